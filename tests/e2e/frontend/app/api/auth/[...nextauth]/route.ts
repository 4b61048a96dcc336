import NextAuth from "next-auth";
import Credentials from "next-auth/providers/credentials";

import { Refusal, signIn } from "../../../../lib/cognito";

const handler = NextAuth({
  pages: { signIn: "/" },
  providers: [
    Credentials({
      name: "Cognito",
      credentials: { email: { type: "email" }, password: { type: "password" } },
      async authorize(given) {
        try {
          return given ? await signIn(given.email, given.password) : null;
        } catch (error) {
          if (error instanceof Refusal) return null;
          throw error;
        }
      },
    }),
  ],
});

export { handler as GET, handler as POST };
