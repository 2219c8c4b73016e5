/** The oldest Node.js that better-sqlite3 13 does not crash. */
const OLDEST_NODE = 24

/**
 * Refuses a Node.js that cannot run this, in one sentence. Imported before anything that could load the
 * native module, which takes an older process down without a word.
 */
if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  throw new Error(
    `Glasspool needs Node.js ${OLDEST_NODE} or newer, and this is ${process.versions.node}.`,
  )
}

export {}
