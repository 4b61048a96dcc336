/** Cognito's public, unsigned actions: what an app client may do for somebody who is not signed in. */

export interface Person {
  id: string;
  email: string;
  name: string;
}

/** A refusal of Cognito, with its sentence for people. */
export class Refusal extends Error {}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

async function cognito(action: string, parameters: object): Promise<Record<string, unknown>> {
  const response = await fetch(setting("COGNITO_URL"), {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": `AWSCognitoIdentityProviderService.${action}`,
    },
    body: JSON.stringify({ ClientId: setting("COGNITO_CLIENT_ID"), ...parameters }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Refusal(answer.message ?? "Cognito refused.");
  return answer;
}

export async function signUp(email: string, password: string): Promise<void> {
  await cognito("SignUp", {
    Username: email,
    Password: password,
    UserAttributes: [{ Name: "email", Value: email }],
  });
}

export async function confirm(email: string, code: string): Promise<void> {
  await cognito("ConfirmSignUp", { Username: email, ConfirmationCode: code });
}

/** Whom the password belongs to; their id is Cognito's `sub`. */
export async function signIn(email: string, password: string): Promise<Person> {
  const answer = await cognito("InitiateAuth", {
    AuthFlow: "USER_PASSWORD_AUTH",
    AuthParameters: { USERNAME: email, PASSWORD: password },
  });
  const { IdToken } = answer.AuthenticationResult as { IdToken: string };
  // It comes from Cognito itself over a connection of our own, so its signature proves nothing more.
  const payload = Buffer.from(IdToken.split(".")[1] ?? "", "base64url").toString();
  const claims = JSON.parse(payload) as { sub: string; email: string; name?: string };
  return { id: claims.sub, email: claims.email, name: claims.name ?? claims.email };
}
