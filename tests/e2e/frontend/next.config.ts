import type { NextConfig } from "next";

const config: NextConfig = {
  // As a deployment would set them; `??` is for the tests, which have no other.
  env: {
    NEXT_PUBLIC_API_URL: process.env.NEXT_PUBLIC_API_URL ?? "/backend",
    NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY:
      process.env.NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY ?? "pk_test_groundworklocal",
  },
  // `npm run check` does that, on its own and with a result of its own.
  typescript: { ignoreBuildErrors: true },
  turbopack: { root: import.meta.dirname },
};

export default config;
