import { spreadLabels } from './label-spread.ts'

export interface EndLabel {
  readonly name: string
  readonly value: string
  /** CSS pixels from the top of the plot. */
  readonly y: number
  /** A CSS colour; `null` takes that of text. */
  readonly color: string | null
}

const LABEL_HEIGHT_PX = 15

/** Name and newest value at the right end of each line, moved apart where lines meet. */
export class EndLabels {
  readonly #host: HTMLElement

  constructor(host: HTMLElement) {
    this.#host = host
  }

  show(
    labels: readonly EndLabel[],
    plot: { readonly topPx: number; readonly heightPx: number },
  ): void {
    const ys = spreadLabels(
      labels.map(({ y }) => y),
      { gap: LABEL_HEIGHT_PX, height: plot.heightPx },
    )
    while (this.#host.childElementCount > labels.length) this.#host.lastElementChild!.remove()
    for (const [i, label] of labels.entries()) {
      const element = (this.#host.children[i] as HTMLElement | undefined) ?? this.#add()
      const [name, value] = element.children as unknown as [HTMLElement, HTMLElement]
      setText(name, label.name)
      setText(value, label.value)
      element.style.color = label.color ?? ''
      element.style.transform = `translateY(${Math.round(plot.topPx + ys[i]! - LABEL_HEIGHT_PX / 2)}px)`
    }
  }

  #add(): HTMLElement {
    const document = this.#host.ownerDocument
    const element = document.createElement('span')
    element.append(document.createElement('span'), document.createElement('b'))
    this.#host.append(element)
    return element
  }
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
