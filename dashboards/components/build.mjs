// Bundles each component into one file; the same sources and lock give the same bytes.
//   npm ci && npm run check && npm run build        (make components)
import { build } from "esbuild";
import { readdirSync } from "node:fs";

await build({
  entryPoints: readdirSync("src").filter((f) => !f.startsWith("_")).map((f) => `src/${f}`),
  outdir: "bundle",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "inline",
  charset: "utf8",
});
