// The README's tour with openapi-fetch and the types that openapi-typescript makes of the document.
import createClient from "openapi-fetch";
import { createInterface } from "node:readline/promises";
import type { paths } from "./schema.js";

const api = createClient<paths>({ baseUrl: process.argv[2] });

function succeed<Data>({ data, error }: { data?: Data; error?: unknown }): Data {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

const registered = succeed(
  await api.POST("/api/auth/register", {
    body: {
      email: "ada@example.com",
      password: "correct horse battery",
      firstName: "Ada",
      lastName: "Lovelace",
    },
  }),
);
console.log(registered.user.email);
await createInterface(process.stdin).question("");

const headers = { Authorization: `Bearer ${registered.accessToken}` };
const prices = succeed(await api.GET("/api/trade/prices", { params: { query: { asset: "AU" } } }));
console.log(prices.data[0].ask);
const quote = succeed(
  await api.POST("/api/trade/quote", {
    headers,
    body: { fromAsset: "USD", toAsset: "XAU-s", fromAmount: "100.00" },
  }),
);
const order = (key: string) =>
  api.POST("/api/trade/order", {
    headers,
    params: { header: { "Idempotency-Key": key } },
    body: { quoteId: quote.id },
  });
const first = succeed(await order("one"));
const again = succeed(await order("one"));
if (JSON.stringify(first) !== JSON.stringify(again)) throw new Error("not the same order");
const refused = await order("another");
console.log(refused.error?.code);
const balances = succeed(await api.GET("/api/wallet/balances", { headers }));
console.log(balances.funding.find((holding) => holding.asset === "USD")?.available);
