/** What a series is told apart by, in the order of its definition's attributes; undefined is absent. */
export type Labels = readonly (string | number | undefined)[];

interface Node<Series> {
  series?: Series;
  readonly next: Map<Labels[number], Node<Series>>;
}

/** However many values clients bring, a metric has no more series; what is beyond shares one. */
const MAX_SERIES = 2000;
export const OTHER = "other";

/**
 * The series of one metric, found by one label after the other: a request looks for fifteen, and puts no
 * key together for any of them. Scope: one metric.
 */
export class SeriesTree<Series> {
  /** In the order in which they came. */
  readonly all: Series[] = [];
  readonly #root: Node<Series> = { next: new Map() };
  readonly #create: (labels: Labels) => Series;
  #overflow: Series | undefined;

  constructor(create: (labels: Labels) => Series) {
    this.#create = create;
  }

  of(labels: Labels): Series {
    let node = this.#root;
    for (const label of labels) {
      const next = node.next.get(label);
      if (!next) return this.#add(labels);
      node = next;
    }
    return node.series ?? this.#add(labels);
  }

  #add(labels: Labels): Series {
    if (this.all.length < MAX_SERIES) return this.#seriesFor(labels);
    // It may be there already: a name that is not known is told by the same word.
    this.#overflow ??= this.#seriesFor(labels.map(() => OTHER));
    return this.#overflow;
  }

  #seriesFor(labels: Labels): Series {
    const node = this.#nodeFor(labels);
    node.series ??= this.#keep(this.#create(labels));
    return node.series;
  }

  #keep(series: Series): Series {
    this.all.push(series);
    return series;
  }

  #nodeFor(labels: Labels): Node<Series> {
    let node = this.#root;
    for (const label of labels) {
      const next = node.next.get(label) ?? { next: new Map() };
      node.next.set(label, next);
      node = next;
    }
    return node;
  }
}
