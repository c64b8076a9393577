// Renders Markdown files in a browser and looks at what came of them: node pages.mjs BROWSER OUT FILE.md...
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import puppeteer from 'puppeteer-core'
import { unified } from 'unified'
import parse from 'remark-parse'
import gfm from 'remark-gfm'
import { remarkAlert } from 'remark-github-blockquote-alert'
import rehype from 'remark-rehype'
import raw from 'rehype-raw'
import sanitize, { defaultSchema } from 'rehype-sanitize'
import stringify from 'rehype-stringify'

const [browserPath, out, ...files] = process.argv.slice(2)
const require = createRequire(import.meta.url)
const css = readFileSync(require.resolve('github-markdown-css/github-markdown-light.css'), 'utf8')
const mermaid = pathToFileURL(require.resolve('mermaid/dist/mermaid.min.js'))
mkdirSync(out, { recursive: true })

// GitHub's own sanitizer lets the classes of its alerts through, since it makes them later.
const alerts = /^markdown-alert/
const schema = { ...defaultSchema, attributes: { ...defaultSchema.attributes, div: [...(defaultSchema.attributes.div ?? []), ['className', alerts]], p: [['className', alerts]] } }
const markdown = unified().use(parse).use(gfm).use(remarkAlert).use(rehype, { allowDangerousHtml: true }).use(raw).use(sanitize, schema).use(stringify)

const page = (body) => `<!doctype html><meta charset="utf-8"><style>${css}
body { box-sizing: border-box; max-width: 920px; margin: 0 auto; padding: 24px; }</style>
<article class="markdown-body">${body}</article><script src="${mermaid}"></script>`

// What is seen where Markdown or HTML was not taken for such. Names and logs may hold anything: they are code.
const markup = /```|\|\s*---|\*\*|<\/?(details|summary|code|sub|br)|&#\d|\]\(http|\[!(NOTE|WARNING)/

async function look (tab) {
  return tab.evaluate(async () => {
    const problems = []
    mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', maxTextSize: 50000, maxEdges: 500 })
    let n = 0
    for (const block of document.querySelectorAll('code.language-mermaid')) {
      try {
        const { svg } = await mermaid.render(`graph${n++}`, block.textContent)
        const box = document.createElement('div')
        box.innerHTML = svg
        block.parentElement.replaceWith(box)
      } catch (e) {
        problems.push(`Mermaid: ${e.message}`)
      }
    }
    for (const a of document.querySelectorAll('article a')) {
      if (!a.href.startsWith('https://github.com/octo-org/images/')) problems.push(`a link to ${a.href}`)
    }
    for (const e of document.querySelectorAll('article :is(img, script, iframe, form, style:not(svg style))')) problems.push(`an element ${e.tagName}`)
    for (const d of document.querySelectorAll('details')) d.dataset.was = d.open
    for (const d of document.querySelectorAll('details')) d.open = true
    const prose = document.querySelector('article').cloneNode(true)
    for (const e of prose.querySelectorAll('pre, code, svg')) e.remove()
    return { problems, graphs: n, prose: prose.textContent }
  })
}

const browser = await puppeteer.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars'] })
let failed = false
for (const file of files) {
  const name = basename(file, '.md')
  const at = join(out, name)
  writeFileSync(`${at}.html`, page(String(await markdown.process(readFileSync(file, 'utf8')))))
  const tab = await browser.newPage()
  const problems = []
  tab.on('dialog', (d) => { problems.push(`it opened a dialog: ${d.message()}`); d.dismiss() })
  tab.on('pageerror', (e) => problems.push(`a script failed: ${e.message}`))
  tab.on('request', (r) => { if (!r.url().startsWith('file:') && !r.url().startsWith('data:')) problems.push(`it asked for ${r.url()}`) })
  await tab.setViewport({ width: 1000, height: 800 })
  await tab.goto(pathToFileURL(resolve(`${at}.html`)))
  const seen = await look(tab)
  problems.push(...seen.problems)
  const found = name === 'hostile' ? null : seen.prose.match(markup)
  if (found) problems.push(`markup to be seen: ${seen.prose.slice(Math.max(0, found.index - 40), found.index + 40)}`)
  await tab.screenshot({ path: `${at}-open.png`, fullPage: true })
  await tab.evaluate(() => { for (const d of document.querySelectorAll('details')) d.open = d.dataset.was === 'true' })
  await tab.setViewport({ width: 1000, height: 600 })
  await tab.screenshot({ path: `${at}.png`, fullPage: true })
  await tab.close()
  failed ||= problems.length > 0
  console.log(`${problems.length ? 'FAILED' : 'ok'} ${name}, ${seen.graphs} graph(s)`)
  for (const p of problems) console.log(`  ${p}`)
}
await browser.close()
process.exit(failed ? 1 : 0)
