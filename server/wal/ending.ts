/** What has become of a file that was opened: another one can be in its place, and an empty one holds nothing. */
export type FileFate = 'same' | 'missing' | 'empty' | 'other'

/**
 * What the last connections do with the log when they close.
 *
 * - `complete`: it is copied into the database, and deleted with its index.
 * - `copy`: it is copied, and nothing is deleted.
 * - `leave`: nothing is written and nothing is deleted.
 */
export type WALEnding = 'complete' | 'copy' | 'leave'

/**
 * The ending that loses nothing that anybody has committed.
 *
 * An index that is gone no longer tells what others write: copied and deleted by it, a log loses that. A log that is
 * still in its place needs neither, as the next who opens the database reads it from its beginning. One that is gone
 * has its only copy in what we have open.
 */
export function endingOf(files: {
  readonly database: FileFate
  readonly log: FileFate
  readonly index: FileFate
}): WALEnding {
  const { database, log, index } = files
  if (database !== 'same') return 'leave'
  if (log === 'same') return index === 'same' ? 'complete' : 'leave'
  // What others have written to a log of their own is not in ours, whatever the index says.
  if (log === 'other') return 'leave'
  // The index is everybody's, so its locks hold, and nobody has added to what it describes.
  if (index === 'same') return 'copy'
  // Whoever opens a database makes both, so nobody has. SQLite's own end keeps them out while it copies.
  return log === 'missing' && index === 'missing' ? 'complete' : 'leave'
}
