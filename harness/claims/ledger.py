"""What articles claim about GPT and BERT, in our own words, and by which rule each is judged.

Data only. Every claim is judged whichever way it falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Claim:
    """One claim. `missing` is what to run where the records do not hold it."""

    id: str
    sentence: str
    hypothesis: str
    measurement: str
    rule: str
    missing: str


class Application(NamedTuple):
    """A claim about a line of business: the task it comes down to, and the recipe that asks it."""

    name: str
    tasks: str
    how: str


PAIR = "python -m harness.run -m seed=0,1,2,3,4 task={} model=gpt2,bert"
CONTRAST = (
    "Supported where the whole interval of {}'s advantage lies beyond the margin, refuted where it "
    "lies within the margin on both sides (equivalent) or beyond it on the other (reversed), else "
    "undetermined. Holm's level for the pair's main questions. A comparison that is void, refused "
    "or incomplete decides nothing."
)
SECONDARY = "Holm's level for all secondary claims that are tested on these data."
EACH = (
    "Over several questions: what all of them say; where two of them were decided differently it "
    "depends on the question; where one is open and none contradicts, undetermined."
)

CLAIMS = (
    Claim(
        "C1",
        "BERT is better at classifying texts.",
        "Accuracy of BERT - GPT on single texts is above the margin.",
        "Both fine-tuned at their searched rates on the same examples; paired by seed and example.",
        CONTRAST.format("BERT"),
        PAIR.format("classification"),
    ),
    Claim(
        "C2",
        "BERT is better at matching two texts.",
        "Accuracy of BERT - GPT on pairs of texts is above the margin.",
        "As C1; reading each pair in both orders (mode=both_orders) is shown where it was run and "
        "does not decide.",
        CONTRAST.format("BERT"),
        PAIR.format("matching"),
    ),
    Claim(
        "C3a",
        "BERT is better at finding named entities.",
        "Strict IOB2 entity F1 of BERT - GPT is above the margin, GPT under its causal mask.",
        "As C1; GPT answers at a word's last piece, BERT at its first.",
        CONTRAST.format("BERT"),
        PAIR.format("ner"),
    ),
    Claim(
        "C3b",
        "BERT stays better at named entities when GPT may see the words to the right.",
        "As C3a, with GPT in the best of the modes that give it right context, chosen on dev.",
        "Entity F1 of BERT - GPT, paired by seed and example.",
        CONTRAST.format("BERT"),
        "python -m harness.run -m seed=0,1,2,3,4 task=ner model=gpt2 mode=unmask,unmask_top,echo",
    ),
    Claim(
        "C4",
        "GPT is better at writing texts.",
        "Quality of GPT - BERT is above the margin; BERT writes in the way that does best on dev.",
        "Slot error rate in the embedded world, BLEU on files; another metric that ranks the two "
        "the other way round leaves it undetermined.",
        CONTRAST.format("GPT"),
        PAIR.format("generation"),
    ),
    Claim(
        "C5",
        "BERT is better because it sees both sides of a word.",
        "BERT gains more where a word to the right decides (slice R) than where one to the left "
        "does (slice L).",
        "(BERT - GPT on R) - (BERT - GPT on L) in the embedded world's NER, on twins: one body, "
        "two masks. Other pairs are shown and do not decide.",
        "The usual rule against the plan's margin for interactions. " + SECONDARY,
        "python -m harness.run -m seed=0,1,2,3,4 task=ner model=twin_gpt,twin_bert "
        "pretraining=half",
    ),
    Claim(
        "C6",
        "BERT's lower layers can be frozen; GPT needs all of them tuned.",
        "With half of the layers frozen BERT keeps 95 % of its gain over the floor (a), and 5 "
        "points more of it than GPT (b).",
        "Retention: (score - floor) / (score of full fine-tuning - floor), the floor being the "
        "rule that ignores the input; embeddings are frozen with the layers, rates searched anew "
        "with as many trials. Paired by seed and example: (a) is decided as Fieller's interval "
        "decides, (b) by the first-order errors of both ratios. Undefined where full fine-tuning "
        "gains less than 5 points. Other shares are shown and do not decide.",
        "Supported where (a) and (b) are. Refuted where BERT keeps less than 95 % (reversed), "
        "where the two keep alike (equivalent: freezing works for both), and where GPT keeps more "
        "(reversed). " + SECONDARY,
        "python -m harness.run -m seed=0,1,2,3,4 task=ner model=gpt2,bert strategy=full,freeze",
    ),
    Claim(
        "C7",
        "GPT takes longer to fine-tune.",
        "GPT needs more FLOPs than BERT until dev first shows a quality that both can reach.",
        "Target: 95 % of the way from the floor to the worse model's best dev score. D is the "
        "logarithm of the ratio of medians, GPT / BERT. Its error comes from 10,000 resamples of "
        "the seeds, both models' together, with Student's t for their number. Where a target was "
        "reached between two looks at dev either end may be true, so the interval goes from the "
        "least to the largest ratio; a run that never got there is longer than any other.",
        "FLOPs decide, examples and seconds are shown; the margin is the plan's cost ratio. "
        f"{EACH} {SECONDARY}",
        "python -m harness.run sweep=quick",
    ),
    Claim(
        "C8",
        "GPT is the larger model and needs more memory.",
        "Parameters and bytes of GPT / BERT are above the plan's cost ratio.",
        "Counted, not estimated: of the two released architectures from their published sizes, of "
        "the models on record, and bytes of weights and peaks (above imports) of a fresh process.",
        "The ratio against the plan's cost ratio, for these very models; memory decides where all "
        "readings agree. " + EACH,
        "python -m harness.run -m task=ner model=gpt2,bert probe=quick",
    ),
    Claim(
        "C9a",
        "GPT answers faster: at the same shape.",
        "BERT's seconds over GPT's are above the plan's cost ratio when both read as many tokens.",
        "A race: both in one process, taking turns; one log ratio a block. Shapes of every batch "
        "size that was raced (race.shape_batches).",
        "Only where GPT tied with its own copy on the same clock. Holm's level for all questions "
        "about speed on one machine. " + EACH,
        "python -m harness.race task=ner",
    ),
    Claim(
        "C9b",
        "GPT answers faster: per written text.",
        "BERT's seconds over GPT's for a text of the same length are above the plan's cost ratio.",
        "As C9a; GPT writes with a cache, BERT from left to right or by filling in T times.",
        "As C9a.",
        "python -m harness.race task=generation",
    ),
    Claim(
        "C9c",
        "GPT answers faster: a label after every new word.",
        "BERT's seconds over GPT's for a text that arrives word by word are above the cost ratio.",
        "As C9a; GPT keeps what it has read, BERT reads the text anew.",
        "As C9a.",
        "python -m harness.race task=classification race=full",
    ),
    Claim(
        "C10a",
        "Fine-tuning raises quality: above a rule that ignores the input.",
        "The tuned model is better than the majority rule by more than the margin.",
        "Test score minus that of the rule, for each model. The rule's own error is added for "
        "accuracy and taken as nought elsewhere. The fresh head's score is on dev, so it is shown "
        "beside the tuned score on dev and does not decide.",
        f"The usual rule for each model and task. {EACH} {SECONDARY}",
        PAIR.format("classification"),
    ),
    Claim(
        "C10b",
        "Fine-tuning raises quality: more on a pretrained body than on an untrained one.",
        "The pretrained model is better than its untrained twin by more than the margin.",
        "Both tuned on the same examples; test scores paired by seed and example.",
        f"The usual rule for each model and task. {EACH} {SECONDARY}",
        "python -m harness.run -m seed=0,1,2,3,4 task=classification model=gpt2,bert "
        "model.weights=scratch",
    ),
    Claim(
        "C10c",
        "Fine-tuning raises quality: above the same model asked in words, untuned.",
        "The tuned model is better than its own zero-shot answers by more than the margin.",
        "Full fine-tuning minus strategy=prompt without solved examples, paired by example (and by "
        "seed where seeds vary the answers); with solved examples it is shown and does not decide.",
        f"The usual rule for each model and task. {EACH} {SECONDARY}",
        "python -m harness.run -m seed=0,1,2,3,4 task=classification model=gpt2,bert "
        "strategy=full,prompt",
    ),
    Claim(
        "C10d",
        "Fine-tuning raises quality: above a linear probe on the frozen body.",
        "The tuned model is better than an answer layer on its fixed body by more than the margin.",
        "Full fine-tuning minus strategy=head_only, each at its searched rate with as many trials; "
        "paired by seed and example.",
        f"The usual rule for each model and task. {EACH} {SECONDARY}",
        "python -m harness.run -m seed=0,1,2,3,4 task=classification model=gpt2,bert "
        "strategy=full,head_only",
    ),
    Claim(
        "C11",
        "BERT is the more stable of the two.",
        "Scores of GPT spread more over training seeds than those of BERT.",
        "Logarithm of the ratio of standard deviations, GPT / BERT, at the searched rate; error "
        "from 10,000 resamples of the seeds, with Student's t for their number. Failed runs "
        "(diverged, or within 2 points of the input-blind rule, or worse) are counted beside it "
        "(Fisher exact).",
        "Decided beyond the plan's cost ratio only where the interval lies there and the "
        "Brown-Forsythe test agrees at the same level; equivalent from 10 seeds only. Five seeds "
        f"see a ratio above 3 at best, ten one above 2. {EACH} {SECONDARY}",
        "python -m harness.run -m seed=0,1,2,3,4,5,6,7,8,9 task=classification model=gpt2,bert",
    ),
    Claim(
        "C12",
        "A bigger GPT knows more.",
        "GPT's quality rises with the logarithm of its non-embedding parameters.",
        "Slope over at least three sizes of each family that were treated alike, as the gain from "
        "the smallest to the largest; paired by seed and example. BERT's is shown.",
        f"The usual rule. {SECONDARY}",
        "python -m harness.run -m seed=0,1,2,3,4 task=ner model=gpt2,bert "
        "model.architecture.num_hidden_layers=1,2,3,4",
    ),
    Claim(
        "C13",
        "GPT gains little from pretraining on much unlabelled text.",
        "On the largest of at least three corpora pretraining brings GPT less than BERT, by more "
        "than the margin.",
        "Gain: pretrained body minus its untrained twin, tuned alike. D is BERT's gain minus "
        "GPT's, paired by seed and example, with as many updates on every corpus, so that text "
        "alone is what grows. The claim is about much text: the largest corpus decides, as little "
        "text can neither bear it out nor refute it. D on smaller ones, and each model's own "
        "gains, are shown: whether they grow with the text is to be seen there. One pretraining a "
        "corpus: another draw of it is not in the interval.",
        f"The usual rule on the largest corpus. {SECONDARY}",
        "python -m harness.run -m seed=0,1,2,3,4 task=ner model=gpt2,bert "
        "model.weights=embedded,scratch pretraining.corpus.size=1250,5000,20000",
    ),
    Claim(
        "C14",
        "A fine-tuned model reaches 97.3 % F1 on CoNLL-2003.",
        "A tagger that finds no entity at all does worse than the printed figure.",
        "Arithmetic on the public test split, counted as the article counts: every padded position "
        "is a token whose answer is O. Beside it, on record: share of words with the right tag, "
        "and entity F1.",
        "The printed figure minus that of a tagger that answers O everywhere, against the plan's "
        "margin for accuracy on real data. No interval: nothing is sampled.",
        "python -m harness.run -m task=ner data=conll2003 model=gpt2,bert model.weights=scratch",
    ),
    Claim(
        "C15",
        "AdamW, weight decay, dropout and early stopping matter.",
        "With each of them the score is better by more than the margin.",
        "Two tunings of one model that differ in one of them (train.optimizer, train.weight_decay, "
        "train.dropout, train.patience): with minus without, paired by seed and example. The rate "
        "is searched anew for each optimizer, with as many trials; the others are left out at the "
        "rate that was searched with them, or at one searched with as many trials.",
        f"The usual rule for each factor, model and task. {EACH} {SECONDARY}",
        "python -m harness.run -m seed=0,1,2,3,4 task=classification model=gpt2,bert tuning=null "
        "train.lr=1e-3 train.weight_decay=0.0,0.01",
    ),
    Claim(
        "C16",
        "Labels have to be aligned to words; the article's code sets them piece by piece.",
        "Labels aligned to words give a better entity F1 than the article's by more than the "
        "margin.",
        "One model trained both ways (mode.labels), at the rate searched with aligned labels; "
        "answers are read and judged on whole words, paired by seed and example; the step that is "
        "best on dev is kept, the untuned one included. By piece, as in "
        "the article's code: label i on token i, [CLS] included, whatever word it is of; what is "
        "left over is O and counts in the loss, [SEP] and padding too. Padding ends with the "
        "longest text of a batch, in the article's code at a fixed length.",
        f"The usual rule for each model. {EACH} {SECONDARY}",
        "python -m harness.run -m seed=0,1,2,3,4 task=ner model=gpt2,bert mode.labels=words,pieces",
    ),
)

BY_ID = {one.id: one for one in CLAIMS}

APPLICATIONS = (
    Application(
        "customer service (intents)",
        "classification",
        "python -m harness.run sweep=intent (Banking77, or data=files data.path=my.csv)",
    ),
    Application(
        "finance (sentiment)",
        "classification_skewed",
        "python -m harness.run sweep=sentiment data.path=my.csv; the delay of an alarm is not "
        "measured in this version",
    ),
    Application(
        "recommendation",
        "ranking",
        "python -m harness.run sweep=recommendation data.path=my.csv; clicks and sales are not "
        "measured, only the order of given candidates",
    ),
    Application(
        "dialogue",
        "generation",
        "python -m harness.run sweep=dialogue data.path=my.csv; judged by overlap with the given "
        "replies, not by people",
    ),
)
