namespace NativeRanger.Numerics.Reference;

/// <summary>A recipe taken apart: the algorithm at its core, and the Lookahead levels around it, innermost first.</summary>
internal sealed record LayeredRecipe(GradientOptimizer Core, IReadOnlyList<Lookahead> Levels)
{
    public static LayeredRecipe Of(Optimizer optimizer)
    {
        switch (optimizer)
        {
            case Ranger ranger:
                return Of(ranger.Composition);
            case Lookahead outer:
                var inner = Of(outer.Inner);
                return new(inner.Core, [.. inner.Levels, outer]);
            default:
                return new((GradientOptimizer)optimizer, []);
        }
    }
}
