// Bundles each component into one file; the same sources and lock give the same bytes, and
// bundle/SOURCES.sha256 tells which they were.
//   npm ci && npm run check && npm run build        (make components)
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

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

const digest = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");
const list = (folder) => readdirSync(folder).map((f) => `${folder}/${f}`);
const made = ["build.mjs", "package-lock.json", "package.json", "tsconfig.json", ...list("src"),
  ...list("bundle").filter((f) => !f.endsWith(".sha256"))];
writeFileSync("bundle/SOURCES.sha256", made.sort().map((f) => `${digest(f)}  ${f}\n`).join(""));
