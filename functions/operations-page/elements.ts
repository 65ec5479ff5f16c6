type Child = Node | string;

/** Makes an element. Text is always text: what clients send never becomes markup. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The element with an id; the page's own document has all that are asked for. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element ${id}.`);
  return found;
}

/** A button that does something once at a time. */
export function action(label: string, description: string, run: () => Promise<void>) {
  const button = element("button", { type: "button", "aria-label": description }, label);
  button.addEventListener("click", () => {
    button.disabled = true;
    void run().finally(() => {
      button.disabled = false;
    });
  });
  return button;
}

/** Replaces a table's rows, and leaves alone what has the focus of who works with it. */
export function setRows(
  table: HTMLElement,
  rows: readonly (readonly Child[])[],
  whenEmpty: string,
): void {
  const body = table.querySelector("tbody");
  if (!body || body.contains(document.activeElement)) return;
  const columns = table.querySelectorAll("thead th").length;
  const made =
    rows.length > 0
      ? rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell))))
      : [element("tr", {}, element("td", { colspan: String(columns), class: "none" }, whenEmpty))];
  body.replaceChildren(...made);
}
