import { defineConfig } from 'vite'

export default defineConfig({
  root: 'dashboard',
  // Relative, so that the dashboard also works behind a proxy that strips a prefix.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    // Browsers that know light-dark() and container queries; older ones would get it spelled out badly.
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // No data: URIs and no inline script: the content security policy allows neither.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
