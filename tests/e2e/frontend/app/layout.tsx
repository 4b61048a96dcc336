import type { Metadata } from "next";
import type { ReactNode } from "react";

import { Providers } from "../components/providers";
import "./style.css";

export const metadata: Metadata = { title: "A stranger's frontend", icons: "data:," };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <Providers>
          <main>{children}</main>
        </Providers>
      </body>
    </html>
  );
}
