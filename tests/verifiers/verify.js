// Verifies credentials by @digitalcredentials/verifier-core, as a stranger would.
//
// Standard input: {"public_url": what is published under, "origin": where it is served now,
// "credentials": [JSON credentials]}. Standard output: the verifier's results, in this order.
// Whatever the verifier fetches from `public_url` comes from `origin`, and nothing from anywhere else.

import { readFileSync, writeFileSync } from "node:fs";

const { public_url, origin, credentials } = JSON.parse(readFileSync(0, "utf8"));
const fetchNow = globalThis.fetch;
console.log = console.error; // the verifier talks: standard output is for results

globalThis.fetch = async (resource, options) => {
  const request = new Request(resource, options);
  if (!request.url.startsWith(`${public_url}/`)) {
    return new Response("not to be had here", { status: 404 });
  }
  const { headers } = request;
  return fetchNow(origin + request.url.slice(public_url.length), { headers });
};

const { verifyCredential } = await import("@digitalcredentials/verifier-core");
const results = [];
for (const credential of credentials) {
  results.push(await verifyCredential({ credential, knownDIDRegistries: [] }));
}
writeFileSync(1, JSON.stringify(results));
