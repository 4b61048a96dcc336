import type { Metadata } from "next";
import type { ReactNode } from "react";

import { Providers } from "../components/providers";
import "./style.css";

export const metadata: Metadata = { title: "A stranger's frontend", icons: "data:," };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <head>
        {/* As in production: nothing but Stripe's own frames. */}
        <meta httpEquiv="Content-Security-Policy" content="frame-src https://js.stripe.com; object-src 'none'" />
      </head>
      <body>
        <Providers>
          <main>{children}</main>
        </Providers>
      </body>
    </html>
  );
}
