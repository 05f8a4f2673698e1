namespace NativeRanger;

/// <summary>The listing of the article that Ranger is often learnt from, with the smallest repairs: a curiosity.</summary>
/// <remarks>
/// It standardises instead of centralising, has no slow weights, and keeps a second pair of moments that is used while the
/// mean of the second moment falls. Use <see cref="Ranger"/> for training. All quantities are per parameter, all start at 0:
/// <code>
/// if ndim ≥ 2 and the row length ≥ 2:  g ← (g - mean)/(√(var unbiased) + ε)
/// t ← t+1;  s = η·√bc2/bc1;  m ← β1·m + (1-β1)·g;  v ← β2·v + (1-β2)·g²;  S0 = S;  S ← α·S + (1-α)·mean(v)
/// if t ≤ k or S &gt; S0 or t ≤ N:   θ ← θ - s·m/(√v + ε)
/// else, with (t', m', v', S') starting as (t, m, v, S):
///   t' ← t'+1;  m' ← β1·m' + (1-β1)·g;  v' ← β2·v' + (1-β2)·g²;  Q = S';  S' ← α·S' + (1-α)·mean(v')
///   if t' ≤ k:                    no update
///   else if S' &gt; Q or t' ≤ N:  θ ← θ - s·m'/(√v' + ε)
///   else:                         θ ← θ - s·(m+m')/(2·√((β2·v + (1-β2)·v')/bc2) + ε)
/// if λ ≠ 0:  θ ← θ·(1-sλ)
/// </code>
/// </remarks>
public sealed record SeedRanger : MomentOptimizer
{
    /// <summary>η 0.001, β (0.95, 0.999), ε 1e-5, threshold 5, k 6, α 0.5, λ 0.</summary>
    public SeedRanger()
        : base(learningRate: 1e-3, beta1: 0.95, epsilon: 1e-5) { }

    /// <summary>N: the fast step is always taken up to this step; at least 4, 5 by default.</summary>
    public double Threshold
    {
        get;
        init => field = Require.Threshold(value);
    } = 5;

    /// <summary>k; at least 1, 6 by default.</summary>
    public int Period
    {
        get;
        init => field = Require.AtLeastOne(value);
    } = 6;

    /// <summary>α, from 0 to 1; 0.5 by default.</summary>
    public double Blend
    {
        get;
        init => field = Require.Fraction(value);
    } = 0.5;

    internal override void Validate()
    {
        if (
            Centralization != Centralization.None
            || Standardize
            || CentralizationTarget != CentralizationTarget.Gradient
        )
        {
            throw new ArgumentException(
                $"{nameof(SeedRanger)} standardises by itself; {nameof(Centralization)}, {nameof(Standardize)} and "
                    + $"{nameof(CentralizationTarget)} cannot be set."
            );
        }
    }
}
