import { benchBroker } from "./broker.bench.ts";
import { benchDurable } from "./durable.bench.ts";
import { type Figure, printFigures } from "./figures.ts";
import { benchHost } from "./host.bench.ts";
import { benchStart } from "./start.bench.ts";

/** `npm run bench:local`: the local stack's own speed, one part after the other. */
const figures: Figure[] = [];
for (const bench of [benchStart, benchHost, benchBroker, benchDurable]) {
  figures.push(...(await bench()));
}
printFigures(figures);
