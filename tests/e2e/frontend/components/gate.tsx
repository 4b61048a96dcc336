"use client";

import { useEffect, useState } from "react";

import { get, post } from "../lib/backend";
import { Chat } from "./chat";
import { Checkout } from "./checkout";

const MOUNTS = 5;

/** Asks once for the status, and shows the product or the checkout. */
export function Gate({ userId }: { userId: string }) {
  const [status, setStatus] = useState("");
  const [error, setError] = useState("");
  const [mounts, setMounts] = useState(1);
  const closed = status !== "" && status !== "active";

  useEffect(() => {
    get("/subscription/status", `?userId=${userId}`)
      .then((found) => setStatus(found.hasActiveSubscription === true ? "active" : found.subscriptionStatus))
      .catch((failed: Error) => setError(failed.message));
  }, [userId]);

  // The frontend in production mounts its checkout anew, again and again, while it loads.
  useEffect(() => {
    if (!closed || mounts === MOUNTS) return;
    const timer = setTimeout(() => setMounts(mounts + 1), 50);
    return () => clearTimeout(timer);
  }, [closed, mounts]);

  async function manage(): Promise<void> {
    const { url } = await post("/stripe/portal");
    location.assign(url);
  }

  return (
    <>
      <p>
        Subscription: <strong data-testid="status">{status}</strong>
      </p>
      <p role="alert">{error}</p>
      {closed && <Checkout key={mounts} priceId="price_starter_monthly" loading={mounts < MOUNTS} />}
      {status === "active" && (
        <>
          <button className="quiet" onClick={manage}>
            Manage subscription
          </button>
          <Chat userId={userId} />
        </>
      )}
    </>
  );
}
