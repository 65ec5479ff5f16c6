interface FakeLetter {
  readonly sequenceNumber: number;
  readonly messageId: string;
  readonly body: unknown;
  readonly applicationProperties?: Record<string, string | number>;
}

/** The dead letters of one queue, as the SDK's receiver shows them. Scope: one test. */
export class FakeLetters {
  readonly letters: FakeLetter[] = [];
  readonly #locked = new Set<FakeLetter>();
  peeks = 0;

  add(body: unknown, applicationProperties = {}): void {
    const sequenceNumber = this.letters.length + 1;
    const messageId = `message-${sequenceNumber}`;
    this.letters.push({ sequenceNumber, messageId, body, applicationProperties });
  }

  async peekMessages(count: number, { fromSequenceNumber }: { fromSequenceNumber: FakeLong }) {
    this.peeks += 1;
    const from = Number(Buffer.from(fromSequenceNumber.toBytesBE()).readBigInt64BE());
    return this.letters.filter(({ sequenceNumber }) => sequenceNumber >= from).slice(0, count);
  }

  async receiveMessages(count: number): Promise<FakeLetter[]> {
    const free = this.letters.filter((letter) => !this.#locked.has(letter)).slice(0, count);
    for (const letter of free) this.#locked.add(letter);
    return free;
  }

  async completeMessage(letter: FakeLetter): Promise<void> {
    this.letters.splice(this.letters.indexOf(letter), 1);
    this.#locked.delete(letter);
  }

  async abandonMessage(letter: FakeLetter): Promise<void> {
    this.#locked.delete(letter);
  }

  async close(): Promise<void> {}
}

interface FakeLong {
  toBytesBE(): number[];
}
