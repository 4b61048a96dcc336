document.getElementById("number")?.addEventListener("input", (event) => {
  const box = event.target, digits = box.value.replace(/\D/g, "").slice(0, 19);
  if (box.selectionStart === box.value.length) box.value = digits.replace(/(.{4})(?=.)/g, "$1 ");
});
document.getElementById("expiry")?.addEventListener("input", (event) => {
  const box = event.target;
  if (event.inputType === "insertText" && /^\d\d$/.test(box.value)) box.value += " / ";
});
