import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartConfiguration,
  LinearScale,
  Tooltip,
} from 'chart.js'
import { useEffect, useRef } from 'preact/hooks'
import { short } from '../../../report/page/format.ts'

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Tooltip)

interface Series {
  readonly name: string
  /** Number of the colour, from 0 to 5. */
  readonly colour: number
  /** Of each column a height, or from where to where it is drawn; null draws nothing. */
  readonly bars: readonly (number | readonly [number, number] | null)[]
}

interface BarsOptions {
  /** Name of the picture for screen readers, which find the numbers in the table beside it. */
  readonly name: string
  readonly labels: readonly string[]
  readonly series: readonly Series[]
  /** Whether the series are drawn one upon the other; side by side if not. */
  readonly isStacked?: boolean
  /** Where the axis begins; zero if not given. */
  readonly floor?: number
  /** Whether it is as high as a long table beside it. */
  readonly isTall?: boolean
  /** Lines of the tooltip of a bar. */
  readonly describe: (column: number, series: number) => readonly string[]
  /** Called with the bar that was clicked. */
  readonly onPick?: (column: number, series: number) => void
}

/** Columns drawn on a canvas. Colours are those of the style sheet, and follow light and dark. */
export function Bars(options: BarsOptions) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const latest = useRef(options)
  latest.current = options
  const { name, labels, series } = options
  const drawn = JSON.stringify([labels, series])
  useEffect(() => {
    if (canvas.current === null) return
    let chart = new Chart(canvas.current, configuration(latest))
    const redraw = () => {
      chart.destroy()
      if (canvas.current !== null) chart = new Chart(canvas.current, configuration(latest))
    }
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', redraw)
    return () => {
      dark.removeEventListener('change', redraw)
      chart.destroy()
    }
  }, [drawn])
  return (
    <div class={options.isTall ? 'canvas tall' : 'canvas'}>
      <canvas ref={canvas} role="img" aria-label={name} />
    </div>
  )
}

function configuration(latest: { readonly current: BarsOptions }): ChartConfiguration<'bar'> {
  const { labels, series, floor = 0, isStacked = true } = latest.current
  const style = getComputedStyle(document.documentElement)
  const colour = (variable: string) => style.getPropertyValue(variable).trim()
  const font = { family: getComputedStyle(document.body).fontFamily, size: 11 }
  return {
    type: 'bar',
    data: {
      labels: [...labels],
      datasets: series.map((one) => ({
        label: one.name,
        data: one.bars.map((bar) =>
          Array.isArray(bar) ? ([...bar] as [number, number]) : bar,
        ) as (number | [number, number] | null)[],
        backgroundColor: colour(`--s${one.colour}`),
        borderWidth: 0,
        categoryPercentage: 0.8,
        barPercentage: 0.9,
        maxBarThickness: 90,
        minBarLength: 1,
      })),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      // A column of one series is picked anywhere above its name, however low it is.
      interaction:
        series.length === 1
          ? { mode: 'nearest', axis: 'x', intersect: false }
          : { mode: 'nearest', intersect: true },
      scales: {
        x: {
          stacked: isStacked,
          grid: { display: false },
          border: { color: colour('--quiet') },
          ticks: { color: colour('--quiet'), font, autoSkip: true, maxRotation: 60 },
        },
        y: {
          stacked: isStacked,
          beginAtZero: floor === 0,
          ...(floor === 0 ? {} : { min: floor }),
          grid: { color: colour('--rule') },
          border: { display: false },
          ticks: {
            color: colour('--quiet'),
            font,
            maxTicksLimit: 6,
            callback: (tick) => short(String(tick)),
          },
        },
      },
      plugins: {
        tooltip: {
          displayColors: false,
          callbacks: {
            title: () => '',
            label: ({ dataIndex, datasetIndex }) => [
              ...latest.current.describe(dataIndex, datasetIndex),
            ],
          },
        },
      },
      onHover: (_, elements, chart) => {
        const isPicked = elements.length > 0 && latest.current.onPick !== undefined
        chart.canvas.style.cursor = isPicked ? 'pointer' : 'default'
      },
      onClick: (_, [element]) => {
        if (element !== undefined) latest.current.onPick?.(element.index, element.datasetIndex)
      },
    },
  }
}
