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

/** A button that does something once at a time. It keeps the focus: one that is disabled would lose it. */
export function action(label: string, description: string, run: () => Promise<void>) {
  const button = element("button", { type: "button", "aria-label": description }, label);
  let isBusy = false;
  const setBusy = (is: boolean): void => {
    isBusy = is;
    button.setAttribute("aria-disabled", String(is));
  };
  button.addEventListener("click", () => {
    if (isBusy) return;
    setBusy(true);
    void run().finally(() => setBusy(false));
  });
  return button;
}

/** Says a text, and leaves an element alone that says it already: to write is to lay out and to paint. */
export function say(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}
