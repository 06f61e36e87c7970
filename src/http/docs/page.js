"use strict";
// Draws openapi.json. Text is only ever set as text, never as markup.
(() => {
  const $ = (id) => document.getElementById(id);
  const el = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.filter((child) => child !== undefined && child !== null));
    return element;
  };
  // `code` between backquotes, paragraphs between empty lines.
  const prose = (text) => {
    const box = el("div");
    for (const paragraph of (text || "").split(/\n\s*\n/).filter(Boolean)) {
      const pieces = paragraph.split("`").map((piece, index) => (index % 2 ? el("code", {}, piece) : piece));
      box.append(el("p", {}, ...pieces));
    }
    return box;
  };
  let spec;
  const resolve = (object) => {
    let found = object;
    while (found && found.$ref) {
      found = found.$ref.slice(2).split("/").reduce((at, part) => at && at[part.replace(/~1/g, "/").replace(/~0/g, "~")], spec);
    }
    return found || {};
  };
  const typeOf = (schema) => {
    if (!schema) return "";
    if (schema.$ref) return schema.$ref.split("/").pop();
    if (schema.type === "array") return typeOf(schema.items) + "[]";
    if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
    if (schema.anyOf) return schema.anyOf.map(typeOf).join(" | ");
    if (schema.additionalProperties && schema.additionalProperties !== true) return "map of " + typeOf(schema.additionalProperties);
    return [schema.type || "any", schema.format].filter(Boolean).join(", ");
  };
  const limits = (schema) =>
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "pattern"]
      .filter((name) => schema[name] !== undefined)
      .map((name) => `${name} ${schema[name]}`)
      .join(", ");
  const row = (name, schema, words, marks) =>
    el("tr", {}, el("td", {}, el("code", {}, name)), el("td", {}, el("code", {}, typeOf(schema))),
      el("td", {}, prose(words), el("span", { class: "soft" }, [...marks, limits(schema)].filter(Boolean).join(" · "))));
  const properties = (schema, depth = 0, seen = []) => {
    const own = resolve(schema);
    if (own.type === "array") return properties(own.items, depth, seen);
    if (!own.properties || depth > 4) return null;
    const table = el("table");
    for (const [name, property] of Object.entries(own.properties)) {
      const marks = [];
      if ((own.required || []).includes(name)) marks.push("required");
      for (const mark of ["readOnly", "writeOnly", "x-immutable"]) if (property[mark]) marks.push(mark.replace("x-", ""));
      table.append(row(name, property, property.description, marks));
      const inner = property.items || property.additionalProperties || property;
      const target = inner && inner.$ref;
      const nested = target && !seen.includes(target) ? properties(inner, depth + 1, [...seen, target]) : null;
      if (nested) table.append(el("tr", {}, el("td"), el("td", { colspan: "2" }, el("details", {}, el("summary", {}, typeOf(inner)), nested))));
    }
    return table;
  };
  const json = (value) => JSON.stringify(value, null, 2);

  const tryIt = (path, verb, operation, parameters, media) => {
    const form = el("form");
    const inputs = [];
    const table = el("table");
    for (const parameter of parameters) {
      const input = el("input", { name: parameter.name, "aria-label": parameter.name });
      inputs.push([parameter, input]);
      table.append(el("tr", {}, el("td", {}, el("code", {}, parameter.name), parameter.required ? " *" : ""), el("td", {}, input)));
    }
    const authorization = spec.components && spec.components.securitySchemes ? el("input", { name: "Authorization", placeholder: "Bearer …", "aria-label": "Authorization" }) : null;
    if (authorization) table.append(el("tr", {}, el("td", {}, el("code", {}, "Authorization")), el("td", {}, authorization)));
    const body = media ? el("textarea", { name: "body", spellcheck: "false", "aria-label": "Body" }) : null;
    if (body) body.value = json(media.example || {});
    const output = el("pre", { hidden: "" });
    form.append(table, body || "", el("button", { type: "submit" }, "Send"), output);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      output.hidden = false;
      output.textContent = "…";
      const query = new URLSearchParams();
      const headers = {};
      let target = path;
      for (const [parameter, input] of inputs) {
        if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
        else if (!input.value) continue;
        else if (parameter.in === "query") query.append(parameter.name, input.value);
        else headers[parameter.name] = input.value;
      }
      if (authorization && authorization.value) headers.Authorization = authorization.value;
      if (body) headers["Content-Type"] = "application/json";
      const text = query.toString();
      try {
        const answer = await fetch("." + target + (text ? "?" + text : ""), { method: verb.toUpperCase(), headers, body: body ? body.value : undefined });
        const content = await answer.text();
        let shown = content;
        try { shown = json(JSON.parse(content)); } catch { /* not JSON: as it is */ }
        const head = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
        output.textContent = `${answer.status} ${answer.statusText}\n${head}\n\n${shown}`;
      } catch (error) {
        output.textContent = String(error);
      }
    });
    return form;
  };

  const content = (box, title, body) => {
    const media = body && body.content && body.content["application/json"];
    if (!media) return;
    const table = properties(media.schema);
    box.append(el("h3", {}, title + " ", el("code", {}, typeOf(media.schema))));
    if (table) box.append(table);
    if (media.example !== undefined) box.append(el("pre", {}, json(media.example)));
  };

  // Drawn when it is opened: a large schema has thousands of operations.
  const draw = (box, path, verb, operation) => {
    const parameters = (operation.parameters || []).map(resolve);
    box.append(prose(operation.description), el("p", { class: "soft" }, operation.operationId));
    if (parameters.length) {
      const table = el("table");
      for (const parameter of parameters)
        table.append(row(parameter.name, parameter.schema, parameter.description, [parameter.in, parameter.required ? "required" : ""]));
      box.append(el("h3", {}, "Parameters"), table);
    }
    content(box, "Body", operation.requestBody);
    const answers = el("table");
    const codes = Object.entries(operation.responses);
    for (const [code, response] of codes) answers.append(el("tr", {}, el("td", {}, el("code", {}, code)), el("td", {}, prose(resolve(response).description))));
    box.append(el("h3", {}, "Answers"), answers);
    const success = codes.find(([code]) => code.startsWith("2"));
    if (success) content(box, success[0], resolve(success[1]));
    const media = operation.requestBody && operation.requestBody.content["application/json"];
    box.append(el("h3", {}, "Try it"), tryIt(path, verb, operation, parameters, media));
  };

  const show = () => {
    const list = $("operations");
    list.replaceChildren(prose(spec.info.description));
    const groups = new Map(spec.tags.map((tag) => [tag.name, { tag, entries: [] }]));
    for (const [path, item] of Object.entries(spec.paths))
      for (const [verb, operation] of Object.entries(item)) groups.get(operation.tags[0]).entries.push({ path, verb, operation });
    for (const { tag, entries } of groups.values()) {
      const heading = el("h2", {}, tag.name);
      const intro = prose(tag.description);
      const label = el("strong", {}, tag.name);
      list.append(heading, intro);
      $("contents").append(label);
      const shown = [];
      for (const { path, verb, operation } of entries) {
        const box = el("div");
        const details = el("details", { class: "operation", id: operation.operationId },
          el("summary", {}, el("span", { class: "verb " + verb }, verb.toUpperCase()), el("span", { class: "path" }, path), el("span", { class: "soft" }, operation.summary)), box);
        details.addEventListener("toggle", () => { if (details.open && !box.childElementCount) draw(box, path, verb, operation); });
        const link = el("a", { href: "#" + operation.operationId }, operation.summary);
        link.addEventListener("click", () => { details.open = true; });
        list.append(details);
        $("contents").append(link);
        shown.push({ text: `${path} ${verb} ${operation.operationId} ${operation.summary}`.toLowerCase(), nodes: [details, link] });
      }
      $("search").addEventListener("input", () => {
        const wanted = $("search").value.toLowerCase();
        let any = false;
        for (const { text, nodes } of shown) {
          const hit = text.includes(wanted);
          any = any || hit;
          for (const node of nodes) node.hidden = !hit;
        }
        for (const node of [heading, intro, label]) node.hidden = !any;
      });
    }
    const chosen = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (chosen) { chosen.open = true; chosen.scrollIntoView(); }
  };

  fetch("openapi.json").then((answer) => answer.json()).then((document_) => {
    spec = document_;
    $("title").textContent = spec.info.title;
    document.title = spec.info.title;
    show();
  }).catch((error) => { $("state").textContent = "openapi.json cannot be read: " + error; });
})();
