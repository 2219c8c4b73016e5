/** Rows on pages of their own. */
export const SLOTS = 3

export interface LogOrder {
  readonly path: string
  /** Commits that were copied into the database before the log began. */
  readonly baseCount: number
  /** Commits in the log, which nothing has copied. */
  readonly logCount: number
  /** The frames of the base stay behind those of the log. */
  readonly isRestarted: boolean
}

/** What a damaged copy showed: the number of the last commit if it is a whole one, or what is wrong. */
export type Reading = { readonly commit: number } | { readonly problem: string }

/** A copy to read; `isPooled`: through a whole pool, which costs ten times as much as the driver alone. */
export interface Copy {
  readonly path: string
  readonly isPooled: boolean
}
