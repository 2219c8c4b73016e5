import { settingSchemas, type SettingName } from './config-schema.ts'
import { editCount, nearestName } from './nearest-name.ts'

export const settingNames = Object.keys(settingSchemas) as SettingName[]

const ownPrefixes = /^(DB|DATABASE|POOL|WAL|LIVE|SHUTDOWN|TLS)_/
/** Shorter names are too common: a `HOSTS` or a `sport` belongs to somebody else. */
const SHORTEST_GUESS = 7

/**
 * What is wrong with the names of an environment: those that begin like ours and that nobody reads, and
 * near misses. Everybody else's variables pass, the standard `OTEL_*` among them.
 */
export function checkNames(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    if (Object.hasOwn(settingSchemas, name)) return []
    const upperCase = name.toUpperCase()
    const nearest = nearestName(upperCase, settingNames)
    const isMeant = nearest !== null && isNearMiss(upperCase, nearest)
    if (!ownPrefixes.test(name) && !isMeant) return []
    const hint = nearest === null ? '' : `; did you mean ${nearest}?`
    return [`${name} is not a setting${hint}`]
  })
}

const isNearMiss = (name: string, setting: string): boolean =>
  name.length >= SHORTEST_GUESS && (editCount(name, setting) <= 2 || setting.startsWith(`${name}_`))
