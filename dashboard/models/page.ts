import type { Api } from './api.ts'
import type { CheckpointCommand } from './checkpoint-command.ts'
import type { PageView } from './page-view.ts'
import type { PoolFeed } from './pool-feed.ts'
import type { Session } from './session.ts'
import type { ThemeChoice } from './theme-choice.ts'

/** Everything a view may read. */
export interface Page {
  readonly api: Api
  readonly session: Session
  readonly feed: PoolFeed
  readonly view: PageView
  readonly theme: ThemeChoice
  readonly checkpoint: CheckpointCommand
  /** This browser's clock, epoch ms. */
  nowMs(): number
}
