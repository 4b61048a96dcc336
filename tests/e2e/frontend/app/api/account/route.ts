import { confirm, Refusal, signUp } from "../../../lib/cognito";

/** `{email, password}` signs up, `{email, code}` confirms. */
export async function POST(request: Request): Promise<Response> {
  const { email, password, code } = (await request.json()) as Record<string, string>;
  try {
    if (email && password) await signUp(email, password);
    else if (email && code) await confirm(email, code);
    else return Response.json({ error: "Type an e-mail address." }, { status: 400 });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return Response.json({ error: error.message }, { status: 400 });
  }
  return Response.json({});
}
