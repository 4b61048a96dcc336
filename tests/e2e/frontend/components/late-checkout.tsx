"use client";

import { loadStripe } from "@stripe/stripe-js/pure";
import type { StripeEmbeddedCheckout } from "@stripe/stripe-js";
import { useEffect, useRef, useState } from "react";

import { post } from "../lib/backend";

/** Loads Stripe.js no sooner than somebody wants to pay, and mounts its form without React's wrapper. */
export function LateCheckout({ priceId }: { priceId: string }) {
  const place = useRef<HTMLDivElement>(null);
  const checkout = useRef<StripeEmbeddedCheckout>(null);
  const [error, setError] = useState("");

  useEffect(() => () => checkout.current?.destroy(), []);

  async function open(): Promise<void> {
    const stripe = await loadStripe(process.env.NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY ?? "");
    if (!stripe || !place.current) throw new Error("Stripe.js was not loaded.");
    const fetchClientSecret = async () => (await post("/stripe/checkout", { priceId })).clientSecret;
    checkout.current = await stripe.initEmbeddedCheckout({ fetchClientSecret });
    checkout.current.mount(place.current);
  }

  return (
    <section>
      <h1>Pay later</h1>
      <p role="alert">{error}</p>
      <button onClick={() => open().catch((failed: Error) => setError(failed.message))}>Pay</button>
      <div ref={place} />
    </section>
  );
}
