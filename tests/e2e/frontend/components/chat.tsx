"use client";

import { useState, type FormEvent } from "react";

import { post } from "../lib/backend";

type Answer = Awaited<ReturnType<typeof post<"/ai/generate">>>;

export function Chat({ userId }: { userId: string }) {
  const [prompt, setPrompt] = useState("");
  const [answers, setAnswers] = useState<Answer[]>([]);
  const [error, setError] = useState("");

  function send(event: FormEvent): void {
    event.preventDefault();
    setError("");
    post("/ai/generate", { prompt, maxTokens: 1000, temperature: 0.7, userId })
      .then((answer) => setAnswers((before) => [...before, answer]))
      .catch((failed: Error) => setError(failed.message));
  }

  return (
    <form onSubmit={send}>
      <label>
        Prompt
        <textarea required rows={3} value={prompt} onChange={(event) => setPrompt(event.target.value)} />
      </label>
      <p role="alert">{error}</p>
      <button>Send</button>
      {answers.map((answer) => (
        <article key={answer.requestId}>
          <p data-testid="answer">{answer.response}</p>
          {answer.tokens > 0 && <p data-testid="tokens">{answer.tokens} tokens</p>}
        </article>
      ))}
    </form>
  );
}
