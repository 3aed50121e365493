// The theme draws each ```mermaid block by what it finds as `mermaid`, and would ask another host
// for it. This stands in for it, and loads the file beside it (2.5 MB) on pages with a diagram only.
//
// mermaid.tiny.js is dist/mermaid.tiny.js of @mermaid-js/tiny 11.17.2 at npm, unchanged; its licence
// (MIT) stands in mermaid-LICENSE.txt. The theme's release says which major version it takes.
(() => {
  const source = new URL("mermaid.tiny.js", document.currentScript.src).href;
  let settings = {};
  let loaded;

  const load = () =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = () => {
        globalThis.mermaid.initialize(settings);
        resolve(globalThis.mermaid);
      };
      script.onerror = () => reject(new Error(`${source} cannot be loaded`));
      document.head.append(script);
    });

  globalThis.mermaid = {
    initialize(given) {
      settings = given;
    },
    async render(...diagram) {
      loaded ??= load();
      return (await loaded).render(...diagram);
    },
  };
})();
