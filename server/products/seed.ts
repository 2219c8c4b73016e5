import { Random } from '../random.ts'
import { seedCatalog, type SeedCategory } from './seed-catalog.ts'

export const SEED_PRODUCT_COUNT = 10_000

/** Another constant is another shop. */
const SEED = 20_260_401
/** Monday 1 January 2024, 00:00 UTC: the first product; the last follows about twenty months later. */
const FIRST_CREATED_AT_MS = 1_704_067_200_000
const MEAN_GAP_MS = 90 * 60_000
/** One product in so many is sold out. */
const SOLD_OUT_ONE_IN = 12

/** One row of `product` as it is inserted; ids are given, so that a row never depends on insertion order. */
export interface SeedProduct {
  readonly id: number
  readonly name: string
  readonly description: string
  readonly category: string
  readonly priceCents: number
  readonly stock: number
  readonly createdAtMs: number
}

/** The products of the bundled shop: the same ones, in the same order, on every machine. */
export function seedProducts(count: number = SEED_PRODUCT_COUNT): SeedProduct[] {
  const random = new Random(SEED)
  const shelves = seedCatalog.map((category) => new Shelf(category, random))
  const draw = shelves.flatMap((shelf) => Array<Shelf>(shelf.category.weight).fill(shelf))
  let createdAtMs = FIRST_CREATED_AT_MS
  return Array.from({ length: count }, (_, index) => {
    createdAtMs += random.below(2 * MEAN_GAP_MS)
    return { id: index + 1, ...random.pick(draw).nextProduct(), createdAtMs }
  })
}

/** One category and its names, each of them given away once. */
class Shelf {
  readonly category: SeedCategory
  readonly #random: Random
  readonly #nameCount: number
  readonly #firstName: number
  readonly #stride: number
  #taken = 0

  constructor(category: SeedCategory, random: Random) {
    const { brands, kinds, nouns, variants } = category
    this.category = category
    this.#random = random
    this.#nameCount = brands.length * kinds.length * nouns.length * variants.length
    this.#firstName = random.below(this.#nameCount)
    this.#stride = coprimeNear(Math.floor(this.#nameCount * 0.618), this.#nameCount)
  }

  nextProduct(): Omit<SeedProduct, 'id' | 'createdAtMs'> {
    const { slug, brands, kinds, nouns, variants, features } = this.category
    // A stride without a common divisor visits every combination before it repeats one.
    let rest = (this.#firstName + this.#taken * this.#stride) % this.#nameCount
    this.#taken += 1
    const take = (list: readonly string[]): string => {
      const word = list[rest % list.length]!
      rest = Math.floor(rest / list.length)
      return word
    }
    const [variant, kind, noun, brand] = [take(variants), take(kinds), take(nouns), take(brands)]
    return {
      name: `${brand} ${kind} ${noun}, ${variant}`,
      description: this.#describe(`${kind} ${noun} by ${brand}.`, features),
      category: slug,
      priceCents: this.#price(),
      stock: this.#stock(),
    }
  }

  #describe(opening: string, features: readonly string[]): string {
    const first = this.#random.below(features.length)
    const second = (first + 1 + this.#random.below(features.length - 1)) % features.length
    return `${opening} ${features[first]!}. ${features[second]!}.`
  }

  /** Many near the typical price, few far above it, and they end as prices do: .99, .50, .00. */
  #price(): number {
    const factor =
      (0.5 + this.#random.next()) * (0.5 + this.#random.next()) * (0.6 + this.#random.next())
    const units = Math.max(1, Math.floor((this.category.typicalPriceCents * factor) / 100))
    return units * 100 + this.#random.pick([0, 50, 90, 95, 99, 99])
  }

  /** Few of most things, hundreds of some, none of one in twelve. */
  #stock(): number {
    if (this.#random.below(SOLD_OUT_ONE_IN) === 0) return 0
    return 1 + Math.floor(this.#random.next() * this.#random.next() * this.#random.next() * 600)
  }
}

/** The smallest number from `wanted` on that has no divisor in common with `limit`. */
function coprimeNear(wanted: number, limit: number): number {
  let candidate = Math.max(1, wanted)
  while (greatestCommonDivisor(candidate, limit) !== 1) candidate += 1
  return candidate
}

const greatestCommonDivisor = (a: number, b: number): number =>
  b === 0 ? a : greatestCommonDivisor(b, a % b)
