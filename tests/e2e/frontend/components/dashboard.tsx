"use client";

import { signOut, useSession } from "next-auth/react";

import { Gate } from "./gate";

export function Dashboard() {
  const { data: session, status } = useSession();
  if (status === "unauthenticated") return <a href="/">Sign in</a>;
  // The id is the token's `sub`, which a default session does not show; like the frontend in
  // production this one then sends "undefined", which means the caller.
  const user = session?.user as { id?: string; email?: string } | undefined;
  return (
    <>
      <header>
        <h1>Dashboard</h1>
        <span data-testid="who">{user?.email}</span>
        <button className="quiet" onClick={() => signOut({ callbackUrl: "/" })}>
          Sign out
        </button>
      </header>
      <Gate userId={String(user?.id)} />
    </>
  );
}
