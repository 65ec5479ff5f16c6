import { byId, element, say } from "./elements.ts";

/** What stands in a cell: a text, or what is made of it. It is made anew when the text has changed, and only then. */
export type Cell = string | { readonly text: string; readonly make: () => HTMLElement };

/** A row that is known again by its key, wherever it stands. */
export interface LiveRow {
  readonly key: string;
  readonly cells: readonly Cell[];
}

const MAX_PLAIN_LENGTH = 20;

interface Shown {
  readonly row: HTMLTableRowElement;
  readonly texts: string[];
}

/** A table that changes as little as there is to change, many times a second. Scope: one table. */
export class LiveTable {
  readonly #table: HTMLElement;
  readonly #body: HTMLTableSectionElement;
  readonly #whenEmpty: HTMLTableRowElement;
  #shown = new Map<string, Shown>();

  constructor(id: string, whenEmpty: string) {
    const table = byId(id);
    this.#body = element("tbody");
    table.append(this.#body);
    table.tabIndex = -1;
    this.#table = table;
    const columns = table.querySelectorAll("thead th").length;
    const cell = element("td", { colspan: String(columns), class: "none" }, whenEmpty);
    this.#whenEmpty = element("tr", {}, cell);
  }

  /**
   * Shows these rows in their order. Leaves the table alone while somebody works in it, or in a dialog
   * that was opened there, unless it is they who asked.
   */
  show(rows: readonly LiveRow[], { isAsked = false }: { readonly isAsked?: boolean } = {}): void {
    const { activeElement: focused } = document;
    const isWithin = this.#body.contains(focused);
    if (!isAsked && (isWithin || focused?.closest("dialog"))) return;
    this.#put(rows);
    // Whoever works by keyboard is not sent back to the beginning of the page.
    if (isWithin && !this.#body.contains(document.activeElement)) {
      (this.#body.querySelector("button") ?? this.#table).focus();
    }
  }

  #put(rows: readonly LiveRow[]): void {
    const wanted = new Map(
      rows.map((each) => [each.key, updated(this.#shown.get(each.key), each.cells)]),
    );
    for (const [key, { row }] of this.#shown) if (!wanted.has(key)) row.remove();
    this.#shown = wanted;
    if (wanted.size > 0) this.#whenEmpty.remove();
    else this.#body.append(this.#whenEmpty);
    let next = this.#body.firstChild;
    for (const { row } of wanted.values()) {
      if (row === next) next = row.nextSibling;
      else this.#body.insertBefore(row, next);
    }
  }
}

const textOf = (cell: Cell): string => (typeof cell === "string" ? cell : cell.text);

/** A long text may be cut off where it stands. */
function sayWhole(place: HTMLElement, text: string): void {
  say(place, text);
  if (text.length > MAX_PLAIN_LENGTH || place.title !== "") place.title = text;
}

function updated(known: Shown | undefined, cells: readonly Cell[]): Shown {
  const shown = known ?? { row: element("tr"), texts: [] };
  for (const [at, cell] of cells.entries()) {
    const text = textOf(cell);
    if (shown.texts[at] === text) continue;
    shown.texts[at] = text;
    const place = shown.row.cells[at] ?? shown.row.appendChild(element("td"));
    if (typeof cell === "string") sayWhole(place, cell);
    else place.replaceChildren(cell.make());
  }
  return shown;
}
