// node built/main.js http://127.0.0.1:8000: what each version's walk has found, as JSON.

import { walk as walkOne } from "./walk_v1.js";
import { walk as walkTwo } from "./walk_v2.js";

declare const process: { argv: string[] };

const service = process.argv[2] ?? "http://127.0.0.1:8000";
console.log(JSON.stringify({ v1: await walkOne(service), v2: await walkTwo(service) }));
