"""A plain Mixtral: RMSNorm, rotary positions, grouped-query attention, 8 experts, top-2, SwiGLU.

Tokens of all conversations of a batch lie in one flat list, so that no work is spent on padding:
only attention, which is cheap here, sees rectangles of conversations of similar length.
"""

import dataclasses

import torch
from torch import nn
from torch.nn import functional


@dataclasses.dataclass(frozen=True)
class Shape:
    vocabulary: int = 1536
    hidden: int = 256
    layers: int = 4
    heads: int = 8
    kv_heads: int = 2
    head_dim: int = 32
    experts: int = 8
    experts_per_token: int = 2
    expert_width: int = 256
    rope_theta: float = 1e4
    norm_epsilon: float = 1e-5
    positions: int = 1024


@dataclasses.dataclass
class Batch:
    """Flat tokens of several conversations, and how attention finds each conversation again.

    A rectangle holds for each conversation the flat indices of its tokens; short ones are filled
    up at the end, where the causal order keeps the filling invisible. `restore` maps each flat
    token to its place in the concatenated rectangles.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    rectangles: list[torch.Tensor]
    restore: torch.Tensor


def _rectangles(lengths: list[int]) -> list[range]:
    """Cuts conversations, sorted by length, where the length has grown by half."""
    cuts, start = [], 0
    for index in range(1, len(lengths) + 1):
        if index == len(lengths) or lengths[index] > 1.5 * lengths[start] + 8:
            cuts.append(range(start, index))
            start = index
    return cuts


def make_batch(conversations: list[list[int]]) -> Batch:
    """`conversations` must be sorted by length."""
    lengths = [len(ids) for ids in conversations]
    tokens = torch.tensor([token for ids in conversations for token in ids])
    positions = torch.cat([torch.arange(length) for length in lengths])
    rectangles, restore, flat, place = [], [], 0, 0
    for rows in _rectangles(lengths):
        width = max(lengths[row] for row in rows)
        index = torch.zeros(len(rows), width, dtype=torch.long)
        for line, row in enumerate(rows):
            index[line, : lengths[row]] = torch.arange(flat, flat + lengths[row])
            restore.append(torch.arange(lengths[row]) + place + line * width)
            flat += lengths[row]
        rectangles.append(index)
        place += len(rows) * width
    return Batch(tokens, positions, rectangles, torch.cat(restore))


class RmsNorm(nn.Module):
    def __init__(self, size: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x):
        return functional.rms_norm(x, self.weight.shape, self.weight, self.epsilon)


def rotary_tables(shape: Shape) -> tuple[torch.Tensor, torch.Tensor]:
    exponent = torch.arange(0, shape.head_dim, 2, dtype=torch.float32) / shape.head_dim
    angles = torch.outer(torch.arange(shape.positions).float(), shape.rope_theta**-exponent)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate(x, cosine, sine):
    """Half rotation, as Hugging Face stores the projections."""
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat([-second, first], dim=-1) * sine


def _gathered(rows, index):
    """rows[index], through index_select because its backward is much faster."""
    return rows.index_select(0, index.flatten()).view(*index.shape, *rows.shape[1:])


class Linear(nn.Linear):
    """x W^T. The factors of the product, and of those in its backward, are rounded to `factors`;
    weights, gradients and everything between two products stay f32."""

    factors = torch.float32

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x):
        return (x.to(self.factors) @ self.weight.to(self.factors).T).to(x.dtype)


class Attention(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.q_proj = Linear(shape.hidden, shape.heads * shape.head_dim)
        self.k_proj = Linear(shape.hidden, shape.kv_heads * shape.head_dim)
        self.v_proj = Linear(shape.hidden, shape.kv_heads * shape.head_dim)
        self.o_proj = Linear(shape.heads * shape.head_dim, shape.hidden)

    def forward(self, x, batch: Batch, cosine, sine):
        dim, group = self.shape.head_dim, self.shape.heads // self.shape.kv_heads
        q = rotate(self.q_proj(x).view(-1, self.shape.heads, dim), cosine, sine)
        k = rotate(self.k_proj(x).view(-1, self.shape.kv_heads, dim), cosine, sine)
        v = self.v_proj(x).view(-1, self.shape.kv_heads, dim)
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        outputs = []
        for index in batch.rectangles:
            heads = [_gathered(part, index).transpose(1, 2) for part in (q, k, v)]
            mixed = functional.scaled_dot_product_attention(*heads, is_causal=True)
            outputs.append(mixed.transpose(1, 2).reshape(index.numel(), -1))
        return self.o_proj(torch.cat(outputs).index_select(0, batch.restore))


class Experts(nn.Module):
    """Top-2 of 8 SwiGLU networks; the rows of an expert are gathered, so nothing runs in vain.

    `factors` is what it is in Linear; the gate always computes in f32.
    """

    factors = torch.float32

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.gate = nn.Linear(shape.hidden, shape.experts, bias=False)
        size = (shape.experts, shape.expert_width, shape.hidden)
        self.w1 = nn.Parameter(torch.empty(size))
        self.w2 = nn.Parameter(torch.empty(size[0], size[2], size[1]))
        self.w3 = nn.Parameter(torch.empty(size))

    def forward(self, x):
        probabilities = self.gate(x).softmax(dim=-1)
        weights, chosen = probabilities.topk(self.shape.experts_per_token, dim=-1)
        weights = weights / weights.sum(dim=-1, keepdim=True)
        order = chosen.flatten().argsort(stable=True)
        counts = torch.bincount(chosen.flatten(), minlength=self.shape.experts)
        row = order // self.shape.experts_per_token
        outputs = self._run(x.index_select(0, row), counts.tolist())
        outputs = outputs * weights.flatten()[order, None]
        # The usual balancing loss: share of rows times mean probability, per expert.
        share = counts / len(chosen)
        balance = self.shape.experts * (share * probabilities.mean(dim=0)).sum()
        return torch.zeros_like(x).index_add(0, row, outputs), balance

    def _run(self, rows, counts: list[int]):
        outputs, parts = [], rows.to(self.factors).split(counts)
        weights = [matrices.to(self.factors).unbind() for matrices in (self.w1, self.w2, self.w3)]
        for part, w1, w2, w3 in zip(parts, *weights, strict=True):
            outputs.append((functional.silu(part @ w1.T) * (part @ w3.T)) @ w2.T)
        return torch.cat(outputs).to(rows.dtype)


class Layer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.input_layernorm = RmsNorm(shape.hidden, shape.norm_epsilon)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = RmsNorm(shape.hidden, shape.norm_epsilon)
        self.block_sparse_moe = Experts(shape)

    def forward(self, x, batch: Batch, cosine, sine):
        x = x + self.self_attn(self.input_layernorm(x), batch, cosine, sine)
        y, balance = self.block_sparse_moe(self.post_attention_layernorm(x))
        return x + y, balance


class Mixtral(nn.Module):
    def __init__(self, shape: Shape = Shape()):
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = RmsNorm(shape.hidden, shape.norm_epsilon)
        self.lm_head = Linear(shape.hidden, shape.vocabulary)
        cosine, sine = rotary_tables(shape)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() < 2:
                continue
            # What writes into the residual stream starts smaller, as there are 2 writers a layer.
            writes = name.endswith(("o_proj.weight", "w2"))
            nn.init.normal_(parameter, std=0.05 / (2 * self.shape.layers) ** (0.5 * writes))

    def round_factors(self, to: torch.dtype) -> None:
        """bf16 makes training about a third faster on CPUs that multiply it natively."""
        for module in self.modules():
            if isinstance(module, Linear | Experts):
                module.factors = to

    def hidden(self, batch: Batch):
        """The normalised last hidden rows, and the mean balancing loss of the layers."""
        x = self.embed_tokens(batch.tokens)
        cosine = self.cosine[batch.positions][:, None]
        sine = self.sine[batch.positions][:, None]
        balances = []
        for layer in self.layers:
            x, balance = layer(x, batch, cosine, sine)
            balances.append(balance)
        return self.norm(x), torch.stack(balances).mean()

    def forward(self, batch: Batch):
        return self.lm_head(self.hidden(batch)[0])
