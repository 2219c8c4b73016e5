import Database from 'better-sqlite3'
import { loadInterrupt, NO_SLOT } from './extension.ts'

type Interrupt = Database.Statement<[number]> | null

/** One connection of this thread for each library, in practice one in all; opened at the first interrupt. */
const controls = new Map<string, Interrupt>()

/**
 * Ends what runs on the connection of `slot`, which must be known to run what is meant. Takes some
 * microseconds, and does nothing where the library cannot be loaded.
 */
export function interruptSlot(library: string, slot: number): void {
  let control = controls.get(library)
  if (control === undefined) {
    control = openControl(library)
    controls.set(library, control)
  }
  control?.get(slot)
}

function openControl(library: string): Interrupt {
  const database = new Database(':memory:')
  if (loadInterrupt(database, library) !== NO_SLOT) {
    return database.prepare<[number]>('SELECT glasspool_interrupt(?)')
  }
  database.close()
  return null
}
