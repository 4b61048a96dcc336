"use client";

import { signIn, useSession } from "next-auth/react";
import { useState, type FormEvent } from "react";

type Step = "sign up" | "confirm" | "sign in";

async function account(body: Record<string, string>): Promise<void> {
  const response = await fetch("/api/account", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error((await response.json()).error);
}

export function Account() {
  const { status } = useSession();
  const [step, setStep] = useState<Step>("sign up");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [error, setError] = useState("");

  async function next(): Promise<void> {
    if (step === "sign up") {
      await account({ email, password });
      setStep("confirm");
    } else if (step === "confirm") {
      await account({ email, code });
      setStep("sign in");
    } else {
      const answer = await signIn("credentials", { email, password, redirect: false });
      if (answer?.error) throw new Error("Wrong e-mail address or password.");
      location.assign("/dashboard");
    }
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    setError("");
    next().catch((failed: Error) => setError(failed.message));
  }

  if (status === "authenticated") return <a href="/dashboard">Your dashboard</a>;
  return (
    <form onSubmit={submit}>
      <label>
        E-mail
        <input type="email" required value={email} onChange={(event) => setEmail(event.target.value)} />
      </label>
      <label>
        Password
        <input type="password" required value={password} onChange={(event) => setPassword(event.target.value)} />
      </label>
      {step === "confirm" && (
        <label>
          Code
          <input inputMode="numeric" required value={code} onChange={(event) => setCode(event.target.value)} />
        </label>
      )}
      <p role="alert">{error}</p>
      <button>{step === "sign up" ? "Sign up" : step === "confirm" ? "Confirm" : "Sign in"}</button>
      {step === "sign up" && (
        <button type="button" className="quiet" onClick={() => setStep("sign in")}>
          I have an account
        </button>
      )}
    </form>
  );
}
