import { argumentError } from "../amqp/errors.ts";
import { tokenFromUuid } from "../amqp/lock-token.ts";
import type { Typed } from "../amqp/rhea.ts";
import { entriesOf, valuesOf } from "../amqp/typed.ts";

/** The map in a management request, read field by field. */
export class RequestBody {
  readonly #fields: ReadonlyMap<string, Typed>;

  constructor(body: Typed | undefined) {
    this.#fields = new Map(entriesOf(body));
  }

  field(name: string): Typed | undefined {
    const typed = this.#fields.get(name);
    return typed?.value === null ? undefined : typed;
  }

  optionalText(name: string): string | undefined {
    const value = this.field(name)?.value;
    if (value === undefined || typeof value === "string") return value;
    throw argumentError(`'${name}' must be a string.`);
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw argumentError(`'${name}' is missing.`);
    return value;
  }

  number(name: string): number {
    return numberIn(this.field(name), name);
  }

  numbers(name: string): number[] {
    return valuesOf(this.field(name)).map((typed) => numberIn(typed, name));
  }

  list(name: string): Typed[] {
    return valuesOf(this.field(name));
  }

  /** Lock tokens, in the form that the broker keeps them. */
  tokens(name: string): string[] {
    return this.list(name).map(({ value }) => {
      if (Buffer.isBuffer(value) && value.length === 16) return tokenFromUuid(value);
      throw argumentError(`'${name}' must hold uuids.`);
    });
  }

  binary(name: string): Buffer | undefined {
    const value = this.field(name)?.value;
    if (value === undefined || Buffer.isBuffer(value)) return value;
    throw argumentError(`'${name}' must be binary.`);
  }
}

// rhea decodes a long that JavaScript cannot hold to its eight bytes.
function numberIn(typed: Typed | undefined, name: string): number {
  const value = typed?.value;
  if (typeof value === "number") return value;
  if (Buffer.isBuffer(value) && value.length === 8) return Number(value.readBigInt64BE());
  throw argumentError(`'${name}' must be a number.`);
}
