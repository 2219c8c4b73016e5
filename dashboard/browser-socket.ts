import type { LinkSocket, SocketListener } from './models/live-link.ts'

/** The browser's websocket behind the link's interface. The address is relative to the page. */
export function openBrowserSocket(
  address: string,
  subprotocol: string,
  listener: SocketListener,
): LinkSocket {
  const url = new URL(address, location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(url, subprotocol)
  socket.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (typeof event.data === 'string') listener.onText(event.data)
  })
  socket.addEventListener('close', (event) => listener.onClose(event.code))
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text)
    },
    close: () => socket.close(),
  }
}
