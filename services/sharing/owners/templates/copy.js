for (const sharing of document.querySelectorAll(".sharing:has(.copy)")) {
  const [field, button, byHand, said] = ["input", ".copy", ".by-hand", ".said"].map((name) => sharing.querySelector(name));
  field.addEventListener("focus", () => field.select());
  if (!navigator.clipboard) continue;
  button.hidden = false;
  byHand.hidden = true;
  button.addEventListener("click", async () => {
    const copied = await navigator.clipboard.writeText(field.value).then(() => true, () => false);
    byHand.hidden = copied;
    said.textContent = copied ? said.dataset.copied : "";
    if (!copied) field.focus();
  });
}
