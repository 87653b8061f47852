// Evaluates cases with fhirpath.js. A case is a response, a questionnaire, variables and steps; a step is an
// expression on an item (null: the response), and sees the named steps before it whose numbers are in its scope.
import { readFileSync } from "node:fs";
import fhirpath from "fhirpath";
import r4 from "fhirpath/fhir-context/r4/index.js";

const ITEM = "QuestionnaireResponse.item";

function outcome(step, known, response, questionnaire) {
  const root = step.item ?? response;
  const expression = step.item ? { base: ITEM, expression: step.expression } : step.expression;
  const variables = { resource: response, rootResource: response, questionnaire, context: root, ...known };
  try {
    return { values: fhirpath.evaluate(root, expression, variables, r4) };
  } catch (error) {
    return { error: String(error?.message ?? error).slice(0, 300) };
  }
}

function results({ response, questionnaire, variables, steps }) {
  const found = [];
  for (const step of steps) {
    const known = { ...variables };
    for (const earlier of step.scope) {
      if (found[earlier].values) known[steps[earlier].name] = found[earlier].values;
      else delete known[steps[earlier].name];
    }
    found.push(outcome(step, known, response, questionnaire));
  }
  return found;
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(results)));
