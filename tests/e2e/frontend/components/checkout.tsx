"use client";

import { EmbeddedCheckout, EmbeddedCheckoutProvider } from "@stripe/react-stripe-js";
import { loadStripe } from "@stripe/stripe-js";
import { useEffect, useState } from "react";

import { post } from "../lib/backend";

const stripe = loadStripe(process.env.NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY ?? "");

/** Asks for a Checkout Session each time it is mounted, and mounts Stripe's form of it. */
export function Checkout({ priceId, loading }: { priceId: string; loading: boolean }) {
  const [clientSecret, setClientSecret] = useState("");
  const [open, setOpen] = useState(true);
  const [error, setError] = useState("");

  useEffect(() => {
    let mounted = true;
    post("/stripe/checkout", { priceId })
      .then((found) => mounted && setClientSecret(found.clientSecret))
      .catch((failed: Error) => mounted && setError(failed.message));
    return () => {
      mounted = false;
    };
  }, [priceId]);

  return (
    <section>
      <h2>Starter, 29 USD a month</h2>
      <p role="alert">{error}</p>
      <button className="quiet" onClick={() => setOpen(!open)}>
        {open ? "Hide checkout" : "Show checkout"}
      </button>
      {open && clientSecret && !loading && (
        <EmbeddedCheckoutProvider stripe={stripe} options={{ clientSecret }}>
          <EmbeddedCheckout />
        </EmbeddedCheckoutProvider>
      )}
    </section>
  );
}
