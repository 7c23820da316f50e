// Many measurements of one thing.

export class Sample {
  readonly values: number[] = [];

  add(value: number): void {
    this.values.push(value);
  }

  get median(): number {
    const sorted = this.values.toSorted((a, b) => a - b);
    const middle = Math.floor(sorted.length / 2);
    const upper = sorted[middle] ?? Number.NaN;
    return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
  }

  get least(): number {
    return Math.min(...this.values);
  }

  get most(): number {
    return Math.max(...this.values);
  }
}

/** Samples by name, made when first asked for. */
export class Samples<Name extends string = string> {
  readonly #samples = new Map<Name, Sample>();

  of(name: Name): Sample {
    const known = this.#samples.get(name) ?? new Sample();
    this.#samples.set(name, known);
    return known;
  }

  get names(): Name[] {
    return [...this.#samples.keys()];
  }
}
