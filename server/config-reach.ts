import { BlockList, isIP } from 'node:net'
import { settingSchemas, type SettingName, type Settings } from './config-schema.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine can reach an IP address. */
export const isLoopback = (address: string): boolean =>
  loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** The address of HOST. A name may resolve to one family only, and half the visitors would knock at the other. */
export const toAddress = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host)

/** The entries of a list with commas; none for `undefined`. */
export const splitList = (list: string | undefined): string[] =>
  list === undefined ? [] : list.split(',').map((entry) => entry.trim())

/** What is wrong with who may reach the server, and through whom. `isGiven` is also true for a wrong value. */
export function checkReach(
  settings: Partial<Settings>,
  isGiven: (name: SettingName) => boolean,
): string[] {
  return [
    ...checkEntries('ALLOWED_HOSTS', settings.ALLOWED_HOSTS, isHost),
    ...checkEntries('TRUST_PROXY', settings.TRUST_PROXY, isAddressOrRange),
    ...checkHost(settings, isGiven),
  ]
}

function checkEntries(
  name: 'ALLOWED_HOSTS' | 'TRUST_PROXY',
  list: string | undefined,
  isRight: (entry: string) => boolean,
): string[] {
  return splitList(list)
    .filter((entry) => !isRight(entry))
    .map(
      (entry) =>
        `${name} has ${JSON.stringify(entry.slice(0, 80))}: it must be ${settingSchemas[name].allowed}`,
    )
}

function isHost(entry: string): boolean {
  const match = /^(?:[a-z0-9._-]+|\[([0-9a-f:.]+)\])(?::(\d{1,5}))?$/i.exec(entry)
  if (match === null) return false
  const [, ipv6, port] = match
  return (ipv6 === undefined || isIP(ipv6) === 6) && (port === undefined || isPort(Number(port)))
}

const isPort = (port: number): boolean => port >= 1 && port <= 65_535

function isAddressOrRange(entry: string): boolean {
  const [address, bits, ...rest] = entry.split('/')
  const family = isIP(address!)
  if (family === 0 || rest.length > 0) return false
  if (bits === undefined) return true
  // A range of 0 bits is everybody, and everybody could then claim any address.
  const count = /^\d{1,3}$/.test(bits) ? Number(bits) : 0
  return count >= 1 && count <= (family === 4 ? 32 : 128)
}

/** What an address other than loopback asks for before anything listens there. */
function checkHost(settings: Partial<Settings>, isGiven: (name: SettingName) => boolean): string[] {
  const { HOST: given } = settings
  if (given === undefined) return []
  const shown = JSON.stringify(given.slice(0, 80))
  const host = toAddress(given)
  if (isIP(host) === 0) return [`HOST is ${shown}: it must be ${settingSchemas.HOST.allowed}`]
  if (isLoopback(host)) return []
  const missing: string[] = (['ADMIN_TOKEN', 'ALLOWED_HOSTS'] as const).filter(
    (name) => !isGiven(name),
  )
  const isProtected =
    isGiven('TLS_CERT_PATH') || isGiven('TRUST_PROXY') || settings.ALLOW_INSECURE_HTTP !== '0'
  if (!isProtected) {
    missing.push('TLS_CERT_PATH and TLS_KEY_PATH (or TRUST_PROXY, or ALLOW_INSECURE_HTTP=1)')
  }
  return missing.length === 0
    ? []
    : [`HOST is ${shown}, which others can reach: it needs ${missing.join(', ')}`]
}
