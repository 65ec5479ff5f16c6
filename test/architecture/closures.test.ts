import { expect, it } from "vitest";
import { sourceFiles, sourceText } from "./imports.ts";

// Where a request comes by; what runs once may do as it likes, but nobody could tell the two apart here.
const ROOMS = ["shared", "functions"];
const ASSIGNED =
  /^[ \t]*(?:\w+(?:\.#?\w+|\[[^\]\n]*\])+) (?:\?\?)?= (?:async )?(?:function\b|\([^()]*\)(?:: [^=\n]+)? =>|\w+ =>)/gm;

/**
 * V8 makes a function that is written where it is assigned to a property in the old generation
 * (`FunctionLiteral::set_pretenure`), and all that it leads to lives on until a full collection: a whole
 * request with its texts. A name in between, or a field's initializer, makes it as young as others.
 */
it("has no function that is written where it is assigned to a property", () => {
  const assigned = ROOMS.flatMap(sourceFiles).flatMap((file) =>
    Array.from(sourceText(file).matchAll(ASSIGNED), ([line]) => `${file}: ${line.trim()}`),
  );
  expect(assigned).toEqual([]);
});

it("would see each way of writing one", () => {
  const ways = [
    "  this.#read = (bytes) => {",
    "this.read = async (bytes: Uint8Array): Promise<void> => {",
    "  socket.on[kind] = chunk => {",
    "  a.b.c ??= function named() {",
  ];
  for (const way of ways) expect(way.match(ASSIGNED), way).toHaveLength(1);
  expect("  const read = (bytes) => bytes;\n  this.#read = read;".match(ASSIGNED)).toBeNull();
  expect("  readonly #read = (bytes) => this.#take(bytes);".match(ASSIGNED)).toBeNull();
});

const ITERABLE_LITERAL = /\[Symbol\.asyncIterator\](?::|\(\) \{)/;

/**
 * V8 goes to its runtime for each object literal with a computed name: 400 ns where nothing else is done, and
 * 3 µs of a request. What is iterated is of a class (`AsyncSource`, shared/core), which takes 2.
 */
it("has no body that is an object literal with a computed name", () => {
  const literals = ROOMS.flatMap(sourceFiles).filter((file) =>
    ITERABLE_LITERAL.test(sourceText(file)),
  );
  expect(literals).toEqual([]);
});

it("would see both ways of writing one", () => {
  const ways = [
    "  return { [Symbol.asyncIterator]: () => reading(request) };",
    "    [Symbol.asyncIterator]() {\n      return this;",
  ];
  for (const way of ways) expect(way.match(ITERABLE_LITERAL), way).not.toBeNull();
  expect("  [Symbol.asyncIterator](): this {".match(ITERABLE_LITERAL)).toBeNull();
});
