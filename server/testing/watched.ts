/** A promise whose state can be asked for without waiting. */
export interface Watched<T> {
  readonly promise: Promise<T>
  readonly state: 'pending' | 'fulfilled' | 'rejected'
  /** The value; throws when there is none (yet). */
  readonly value: T
  /** What it rejected with; throws when it did not (yet). */
  readonly error: unknown
}

/** Watches a promise. Its rejection counts as handled from now on. */
export function watch<T>(promise: Promise<T>): Watched<T> {
  let state: Watched<T>['state'] = 'pending'
  let value: T
  let error: unknown
  promise.then(
    (result) => {
      state = 'fulfilled'
      value = result
    },
    (reason: unknown) => {
      state = 'rejected'
      error = reason
    },
  )
  const assertIs = (wanted: Watched<T>['state']): void => {
    if (state !== wanted)
      throw new Error(`the promise is ${state} and not ${wanted}`, { cause: error })
  }
  return {
    promise,
    get state() {
      return state
    },
    get value() {
      assertIs('fulfilled')
      return value
    },
    get error() {
      assertIs('rejected')
      return error
    },
  }
}
