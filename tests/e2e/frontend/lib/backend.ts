import type { paths } from "../openapi";

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type Answer<T> = T extends { responses: { 200: infer Found } } ? Json<Found> : never;
type Data<T> = Answer<T> extends { data?: infer Found } ? NonNullable<Found> : never;
type Sent<T> = T extends { requestBody?: infer Body } ? Json<NonNullable<Body>> : never;

type Gets = { [P in keyof paths]: paths[P] extends { get: object } ? P : never }[keyof paths];
type Posts = { [P in keyof paths]: paths[P] extends { post: object } ? P : never }[keyof paths];

/** What the API says when it refuses. */
export class Refusal extends Error {}

async function call(path: string, method: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${process.env.NEXT_PUBLIC_API_URL}${path}`, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok || !answer.success) throw new Refusal(answer.error ?? "The server did not answer.");
  return answer.data;
}

export async function get<P extends Gets>(path: P, query = ""): Promise<Data<paths[P]["get"]>> {
  return (await call(path + query, "GET")) as Data<paths[P]["get"]>;
}

/** Routes without a declared body take none here; they are sent an empty one. */
export async function post<P extends Posts>(
  path: P,
  ...[body]: [Sent<paths[P]["post"]>] extends [never] ? [] : [Sent<paths[P]["post"]>]
): Promise<Data<paths[P]["post"]>> {
  return (await call(path, "POST", body ?? {})) as Data<paths[P]["post"]>;
}
