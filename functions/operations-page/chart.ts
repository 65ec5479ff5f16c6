import { element, say } from "./elements.ts";
import { HISTORY_LENGTH } from "./history.ts";

const WIDTH = 480;
const HEIGHT = 120;
const SVG = "http://www.w3.org/2000/svg";
const STEPS = [1, 2, 5];

/** A line of a chart: a name and its values, oldest first; undefined is a gap. */
export interface Line {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
}

/** Draws lines over time into a figure, and says in words what they show last. Scope: one chart. */
export class Chart {
  readonly #figure: HTMLElement;
  readonly #svg: SVGSVGElement;
  readonly #top: HTMLElement;
  readonly #legend: HTMLElement;
  readonly #format: (value: number | undefined) => string;
  readonly #paths = new Map<string, { path: SVGPathElement; label: HTMLElement }>();

  constructor(figure: HTMLElement, format: (value: number | undefined) => string) {
    this.#figure = figure;
    this.#format = format;
    this.#svg = document.createElementNS(SVG, "svg");
    this.#svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.#svg.setAttribute("preserveAspectRatio", "none");
    this.#svg.setAttribute("role", "img");
    this.#legend = document.createElement("ul");
    // Read out with the picture itself.
    this.#top = element("span", { class: "top", "aria-hidden": "true" });
    figure.append(this.#top, this.#svg, this.#legend);
  }

  draw(lines: readonly Line[]): void {
    const top = roundUp(Math.max(1, ...lines.flatMap(({ values }) => values.map((v) => v ?? 0))));
    for (const [at, line] of lines.entries()) {
      const { path, label } = this.#partsOf(line.name, at);
      setAttribute(path, "d", pathOf(line.values, top));
      say(label, `${line.name} ${this.#format(line.values.at(-1))}`);
    }
    const scale = `up to ${this.#format(top)}`;
    say(this.#top, scale);
    setAttribute(this.#svg, "aria-label", `${this.#title}, ${scale}`);
  }

  get #title(): string {
    return this.#figure.querySelector("figcaption")?.textContent ?? "";
  }

  #partsOf(name: string, at: number) {
    const known = this.#paths.get(name);
    if (known) return known;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", `line line-${at % 6}`);
    const label = document.createElement("li");
    label.className = `line-${at % 6}`;
    this.#svg.append(path);
    this.#legend.append(label);
    const parts = { path, label };
    this.#paths.set(name, parts);
    return parts;
  }
}

/** What is the same as before is not painted again. */
function setAttribute(target: Element, name: string, value: string): void {
  if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

function pathOf(values: readonly (number | undefined)[], top: number): string {
  const step = WIDTH / (HISTORY_LENGTH - 1);
  const first = HISTORY_LENGTH - values.length;
  let path = "";
  let isDrawing = false;
  for (const [at, value] of values.entries()) {
    if (value === undefined) {
      isDrawing = false;
      continue;
    }
    const x = ((first + at) * step).toFixed(1);
    const y = (HEIGHT - 2 - (value / top) * (HEIGHT - 6)).toFixed(1);
    path += `${isDrawing ? "L" : "M"}${x} ${y}`;
    isDrawing = true;
  }
  return path;
}

/** The next of 1, 2, 5, 10, 20, ...: a scale that does not move with every value. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = STEPS.find((each) => each * power >= value) ?? 10;
  return step * power;
}
