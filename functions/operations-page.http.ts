import { app } from "@azure/functions";

/** The page and its content security policy, put here by the build (functions/operations-page). */
declare const OPERATIONS_PAGE: { readonly html: string; readonly policy: string };

/**
 * `GET /operations`: the operator's page. It holds nothing but itself: what it shows it asks for with
 * the operator's key or token, so anybody may have it.
 */
export function registerOperationsPage(): void {
  app.http("operationsPage", {
    route: "operations",
    methods: ["GET"],
    authLevel: "anonymous",
    handler: async () => ({
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": OPERATIONS_PAGE.policy,
        "cache-control": "no-cache",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      },
      body: OPERATIONS_PAGE.html,
    }),
  });
}
