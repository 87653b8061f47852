// The main job through openapi-fetch and the types that openapi-typescript makes of the description.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./portal.ts";

type Portal = Client<paths>;
type Schemas = components["schemas"];

const baseUrl = given("PORTAL_URL");
const password = "maple-otter-violin-sunday";
const secret = "What nobody but Robin reads.";

function given(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

/** What came back, where the call has succeeded; any problem ends the journey with its words. */
function done<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  assert.ok(answer.response.ok, `${answer.response.status} ${JSON.stringify(answer.error)}`);
  return answer.data as T;
}

/** The problem, where the call was refused with this status. */
function refused<T>(answer: { error?: T; response: Response }, status: number): T {
  assert.equal(answer.response.status, status);
  assert.equal(answer.response.headers.get("content-type"), "application/problem+json");
  assert.ok(answer.error);
  return answer.error;
}

function etag(answer: { response: Response }): string {
  const tag = answer.response.headers.get("etag");
  assert.ok(tag);
  return tag;
}

async function signIn(email: string): Promise<Portal> {
  const anyone = createClient<paths>({ baseUrl });
  const signed = done(await anyone.POST("/api/v1/sessions", { body: { email, password } }));
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${signed.token}` } });
}

async function setUp(): Promise<Portal> {
  const anyone = createClient<paths>({ baseUrl });
  const email = "tessa@linden.example";
  const body: Schemas["SetUpPractice"] = {
    token: given("SETUP_TOKEN"),
    practice: { slug: "linden", name: "Linden", country: "DE", time_zone: "Europe/Berlin" },
    person: { name: "Tessa", email, password, therapist: true },
  };
  const made = done(await anyone.POST("/api/v1/setup", { body }));
  assert.deepEqual(made.person.capabilities, ["owner", "therapist"]);
  refused(await anyone.POST("/api/v1/setup", { body }), 404);
  return signIn(email);
}

async function invite(therapist: Portal): Promise<{ client: Portal; clientId: string }> {
  const email = "robin@clients.example";
  const body: Schemas["CreateClient"] = { name: "Robin Aster", email, delivery: "in_person" };
  const made = done(await therapist.POST("/api/v1/clients", { body }));
  const token = made.invitation.link?.split("#")[1];
  assert.ok(token);
  const anyone = createClient<paths>({ baseUrl });
  done(await anyone.POST("/api/v1/invitations/accept", { body: { token, password } }));
  return { client: await signIn(email), clientId: made.id };
}

async function assign(therapist: Portal, clientId: string): Promise<string> {
  const query = { limit: 100, kind: "exercise" };
  const library = done(await therapist.GET("/api/v1/resources", { params: { query } }));
  const log = library.data.find((one) => one.origin_key === "trigger-log");
  assert.ok(log);
  const body: Schemas["CreateAssignment"] = { client_id: clientId, resource_id: log.id, why: "To see it come." };
  const given = done(await therapist.POST("/api/v1/assignments", { body }));
  const again = refused(await therapist.POST("/api/v1/assignments", { body }), 409);
  assert.ok("assignment_id" in again);
  assert.equal(again.assignment_id, given.id);
  return given.id;
}

function changes(row: string): Schemas["SaveResponse"] {
  return {
    rows: [{ log: "triggers", id: row }],
    answers: [
      { block: "cue", row: [row], value: "The phone buzzed." },
      { block: "before", row: [row], value: 8 },
      { block: "thought", row: [row], value: secret, share: "only_me" },
    ],
  };
}

async function work(client: Portal, id: string): Promise<void> {
  const path = { assignment_id: id };
  const mine = "/api/v1/me/assignments/{assignment_id}";
  const opened = done(await client.POST(`${mine}/open`, { params: { path } }));
  assert.equal(opened.status, "seen");
  assert.ok(opened.document && "blocks" in opened.document);
  const read = await client.GET(`${mine}/response`, { params: { path } });
  const known = await client.GET(`${mine}/response`, { params: { path, header: { "If-None-Match": etag(read) } } });
  assert.equal(known.response.status, 304);
  const header = { "If-Match": etag(read) };
  const saved = await client.PATCH(`${mine}/response`, { params: { path, header }, body: changes(randomUUID()) });
  assert.equal(done(saved).progress.answered, 1);
  const late = await client.PATCH(`${mine}/response`, { params: { path, header }, body: changes(randomUUID()) });
  const stale = refused(late, 412);
  assert.ok("current" in stale);
  assert.equal(stale.current.version, done(saved).version);
  const wrong: Schemas["SaveResponse"] = { answers: [{ block: "no-such-block", value: 1 }] };
  const again = { "If-Match": etag(saved) };
  const fault = refused(await client.PATCH(`${mine}/response`, { params: { path, header: again }, body: wrong }), 422);
  assert.ok("errors" in fault);
  assert.equal(fault.errors?.[0]?.pointer, "#/answers/0/block");
  await submit(client, id);
}

async function submit(client: Portal, id: string): Promise<void> {
  const params = { path: { assignment_id: id } };
  const { version } = done(await client.GET("/api/v1/me/assignments/{assignment_id}/response", { params }));
  const body: Schemas["SubmitResponse"] = { response_version: version, helpfulness: 4 };
  const sent = done(await client.POST("/api/v1/me/assignments/{assignment_id}/submit", { params, body }));
  const status: Schemas["AssignmentStatus"] = sent.status;
  assert.equal(status, "submitted");
}

async function review(therapist: Portal, client: Portal, id: string): Promise<void> {
  const path = { assignment_id: id };
  const theirs = "/api/v1/assignments/{assignment_id}";
  const read = await therapist.GET(`${theirs}/attempts/{number}`, { params: { path: { ...path, number: 1 } } });
  const attempt = done(read);
  assert.ok(!("resourceType" in attempt), "our own form, not FHIR's");
  assert.ok(!JSON.stringify(attempt).includes(secret));
  assert.equal(attempt.private_count, 1);
  const body: Schemas["ReviewAttempt"] = { attempt: 1, response_version: attempt.version, comment: "Thank you." };
  assert.equal(done(await therapist.POST(`${theirs}/review`, { params: { path }, body })).status, "reviewed");
  const heard = done(await client.GET("/api/v1/me/assignments/{assignment_id}/comments", { params: { path } }));
  assert.deepEqual(heard.data.map((one) => one.body), ["Thank you."]);
  const back: Schemas["ReturnAttempt"] = { attempt: 1, comment: "Would you add what helped?" };
  assert.equal(done(await therapist.POST(`${theirs}/return`, { params: { path }, body: back })).attempt, 2);
  await submit(client, id);
  done(await therapist.POST(`${theirs}/review`, { params: { path }, body: { attempt: 2 } }));
}

async function seeWhoRead(client: Portal): Promise<void> {
  for (let left = 300; left > 0; left -= 1) {
    const opened = done(await client.GET("/api/v1/me/access-log", { params: { query: { sort: "occurred_at" } } }));
    const [first] = opened.data;
    if (first) {
      assert.deepEqual([first.opened_by.name, first.attempt], ["Tessa", 1]);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.fail("the worker does not seal what happened");
}

const therapist = await setUp();
const { client, clientId } = await invite(therapist);
const assignment = await assign(therapist, clientId);
await work(client, assignment);
await review(therapist, client, assignment);
await seeWhoRead(client);
assert.equal(done(await client.GET("/api/v1/me/progress")).summary, "1 of 1 done");
assert.equal((await client.DELETE("/api/v1/sessions/current")).response.status, 204);
assert.equal(refused(await client.GET("/api/v1/me"), 401).type, "/problems/unauthenticated");
console.log("the whole job is done");
