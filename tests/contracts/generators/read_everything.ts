// Reads every GET of the demo as each of its people and an integration, and parses each response with the Zod schema
// that openapi-zod-client generated for it. Prints what was parsed, what did not parse and what nobody could read.
import { readFileSync } from "node:fs";
import { api } from "./zod-client.ts";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Person = { email: string; kind: string; password: string };

const MOST_IDS = 6;
const { base_url: base, people } = JSON.parse(readFileSync(process.env["DEMO"]!, "utf8")) as {
  base_url: string;
  people: Person[];
};
const description = JSON.parse(readFileSync("openapi.json", "utf8"));
const schemas = new Map(api.api.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint.response]));
const known = new Map<string, Set<string>>();
const parsed = new Map<string, number>();
const failures: string[] = [];

async function send(method: string, path: string, token: string | null, body?: Json): Promise<Response> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (token !== null) headers["Authorization"] = `Bearer ${token}`;
  return fetch(base + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

async function signIn(person: Person): Promise<string> {
  const { email, password } = person;
  const response = await send("POST", "/api/v1/sessions", null, { email, password });
  return ((await response.json()) as { token: string }).token;
}

async function createIntegration(owner: string): Promise<string> {
  const scopes = description.components.schemas.Scope.enum as string[];
  const response = await send("POST", "/api/v1/integrations", owner, { name: "Zod", scopes });
  return ((await response.json()) as { token: string }).token;
}

function learn(name: string, id: string): void {
  known.set(name, (known.get(name) ?? new Set<string>()).add(id));
}

function learnFrom(body: Json): void {
  if (Array.isArray(body)) body.forEach(learnFrom);
  else if (body !== null && typeof body === "object") {
    for (const [name, value] of Object.entries(body)) {
      if (name.endsWith("_id") && typeof value === "string") learn(name, value);
      learnFrom(value);
    }
  }
}

function learnRows(path: string, body: Json): void {
  const rows = (body as { data?: { id?: string }[] }).data;
  if (!Array.isArray(rows)) return;
  for (const other of Object.keys(description.paths)) {
    const name = other.startsWith(`${path}/{`) ? /\{(\w+)\}/.exec(other.slice(path.length))![1]! : null;
    if (name !== null) rows.forEach((row) => row.id !== undefined && learn(name, row.id));
  }
}

function addresses(path: string): string[] {
  let found = [path];
  for (const [part, name] of path.matchAll(/\{(\w+)\}/g)) {
    const values = name === "number" ? ["1"] : [...(known.get(name!) ?? [])].slice(-MOST_IDS);
    found = found.flatMap((address) => values.map((value) => address.replace(part, value)));
  }
  const required = (description.paths[path].get.parameters as { in: string; name: string; required?: boolean; example: Json }[])
    .filter((parameter) => parameter.in === "query" && parameter.required)
    .map((parameter) => `${parameter.name}=${String(parameter.example)}`);
  return found.slice(0, MOST_IDS * MOST_IDS).map((address) => (required.length ? `${address}?${required.join("&")}` : address));
}

async function read(path: string, address: string, token: string | null): Promise<void> {
  const response = await send("GET", address, token);
  if (response.status >= 500) failures.push(`${address}: ${response.status}`);
  if (response.status !== 200) return;
  if (response.headers.get("Content-Type")?.startsWith("application/json")) {
    const body = (await response.json()) as Json;
    const schema = schemas.get(`get ${path.replace(/\{(\w+)\}/g, ":$1")}`)!;
    const result = schema.safeParse(body);
    if (!result.success) failures.push(`${address}: ${JSON.stringify(result.error.issues.slice(0, 3))}`);
    learnFrom(body);
    learnRows(path, body);
  }
  parsed.set(path, (parsed.get(path) ?? 0) + 1);
}

const tokens: (string | null)[] = [null, ...(await Promise.all(people.map(signIn)))];
tokens.push(await createIntegration(tokens[1 + people.findIndex((person) => person.kind === "owner")]!));
const paths = Object.keys(description.paths).filter((path) => "get" in description.paths[path]);
paths.sort((one, other) => one.split("{").length - other.split("{").length);
for (const token of tokens) {
  known.clear();
  for (const path of paths) {
    for (const address of addresses(path)) await read(path, address, token);
  }
}
const unread = paths.filter((path) => !parsed.has(path));
console.log(JSON.stringify({ parsed: Object.fromEntries(parsed), failures: failures.slice(0, 20), unread }));
